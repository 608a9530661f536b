import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.ts';
import { TRANSPORT_DEFAULTS, TRANSPORT_LIMITS } from '../../src/domain/transport-limits.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'transport.md'), 'utf8');

const read = (environment: Record<string, string>) => readConfig(environment).transport;

test('what is not set is as the defaults say', () => {
  expect(read({})).toEqual(TRANSPORT_DEFAULTS);
  expect(TRANSPORT_DEFAULTS).toMatchObject({
    headersTimeoutMs: 10_000,
    operationsPerSocketMax: 100,
    connectionsPerKeyMax: 10_000,
    connectionsPerTokenMax: 20,
    corsOrigins: [],
    rates: { key: { count: 1_000, burst: 5_000 }, token: { count: 20, burst: 100 } },
  });
});

test.each(Object.entries(TRANSPORT_LIMITS))('%s has bounds, and stands in the guide with its default', (key, limit) => {
  const { name, min, max, scale } = limit;
  for (const good of [min, max]) expect(read({ [name]: String(good) })).toMatchObject({ [key]: good * scale });
  for (const bad of [min - 1, max + 1, min + 0.5, 'many', '-1', 'Infinity']) {
    expect(() => read({ [name]: String(bad) })).toThrow(
      new ConfigError(`${name}: must be a whole number from ${min} to ${max}`),
    );
  }
  expect(GUIDE).toMatch(new RegExp(`\\| \`${name}\` +\\| ${limit.default.toLocaleString('en')} `));
});

test('rates are operations a second, with a burst or five times as many', () => {
  const given = { TENDER_RATE_LIMIT_KEY: '50', TENDER_RATE_LIMIT_TOKEN: '2:3', TENDER_RATE_LIMIT_ADDRESS: '1:1' };
  expect(read(given).rates).toEqual({
    key: { count: 50, windowMs: 1_000, burst: 250 },
    token: { count: 2, windowMs: 1_000, burst: 3 },
    address: { count: 1, windowMs: 1_000, burst: 1 },
  });
  for (const bad of ['0', '1:0', '-1', '1:', ':5', '1.5', 'x', '1:2:3', '10000000']) {
    expect(() => read({ TENDER_RATE_LIMIT_KEY: bad })).toThrow(/^TENDER_RATE_LIMIT_KEY: must be operations a second/);
  }
});

test('origins are a list, or all', () => {
  const many = 'https://shop.example, http://127.0.0.1:4080';
  expect(read({ TENDER_CORS_ORIGINS: many }).corsOrigins).toEqual(['https://shop.example', 'http://127.0.0.1:4080']);
  expect(read({ TENDER_CORS_ORIGINS: '*' }).corsOrigins).toBe('*');
  for (const bad of [
    'shop.example',
    'https://shop.example/',
    'https://*.shop.example',
    '*,https://a.example',
    'null',
    'https://a.example,',
  ]) {
    expect(() => read({ TENDER_CORS_ORIGINS: bad })).toThrow(/^TENDER_CORS_ORIGINS: must be origins/);
  }
});

test('proxies are addresses and networks', () => {
  const many = '10.0.0.0/8,192.0.2.1, fd00::/8,::1';
  expect(read({ TENDER_TRUSTED_PROXIES: many }).trustedProxies).toEqual(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '::1']);
  for (const bad of ['10.0.0.0/33', 'fd00::/129', 'proxy.example', '10.0.0.0/8/8', '10.0.0.0/', '*']) {
    expect(() => read({ TENDER_TRUSTED_PROXIES: bad })).toThrow(/^TENDER_TRUSTED_PROXIES: must be addresses/);
  }
});
