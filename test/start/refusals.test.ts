import { createServer, type AddressInfo } from 'node:net';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { initializedDirectory, temporaryPlace } from '../postgres/places.ts';
import { programsIn, spawnGateway, startGateway, takePayment, untilUp } from './gateway-process.ts';

/** What a start that is refused says: one line on stderr, and nothing else. */
async function refusal(variables: Record<string, string>): Promise<string> {
  const { code, stderr } = await spawnGateway({ LOG_LEVEL: 'warn', ...variables }).ended;
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^[^\n]+\n$/) });
  return stderr.trimEnd();
}

test.for([
  { variables: { TENDER_DATABASE: 'x' }, line: /^TENDER_DATABASE: .*TENDER_DATA_DIR/ },
  { variables: { PORT: 'abc' }, line: /^PORT: / },
  { variables: { PORT: '70000' }, line: /^PORT: / },
  { variables: { LOG_LEVEL: 'loud' }, line: /^LOG_LEVEL: .*info/ },
  { variables: { TENDER_SECRET: 'short' }, line: /^TENDER_SECRET: .*32/ },
  { variables: { TENDER_OTHER_SECRETS: `${'s'.repeat(32)},short` }, line: /^TENDER_OTHER_SECRETS: .*32/ },
  { variables: { TENDER_OTHER_SECRETS: ',' }, line: /^TENDER_OTHER_SECRETS: .*32/ },
  { variables: { TENDER_OTHER_SECRETS: Array(11).fill('s'.repeat(32)).join() }, line: /^TENDER_OTHER_SECRETS: .*10/ },
  {
    variables: { TENDER_SECRET: 's'.repeat(32), TENDER_OTHER_SECRETS: `${'t'.repeat(32)}, ${'s'.repeat(32)}` },
    line: /^TENDER_OTHER_SECRETS: TENDER_SECRET is among them/,
  },
  { variables: { TENDER_RECOVERY_DELAY_SECONDS: '31' }, line: /^TENDER_RECOVERY_DELAY_SECONDS: .*30/ },
  { variables: { TENDER_RAISE_AFTER_HOURS: '0' }, line: /^TENDER_RAISE_AFTER_HOURS: / },
  { variables: { TENDER_KEY_RETENTION_DAYS: 'x' }, line: /^TENDER_KEY_RETENTION_DAYS: .*days/ },
  { variables: { TENDER_SANDBOX_SETTLEMENT_SECONDS: '0' }, line: /^TENDER_SANDBOX_SETTLEMENT_SECONDS: / },
  { variables: { TENDER_METRICS_TOKEN: 'short' }, line: /^TENDER_METRICS_TOKEN: .*16/ },
  { variables: { TENDER_STRIPE_API_URL: 'http://stripe.example' }, line: /^TENDER_STRIPE_API_URL: .*https/ },
  { variables: { TENDER_WEBHOOKS_PRIVATE_NETWORKS: 'yes' }, line: /^TENDER_WEBHOOKS_PRIVATE_NETWORKS: .*true/ },
  { variables: { TENDER_MIGRATE: 'no' }, line: /^TENDER_MIGRATE: .*off/ },
  { variables: { TENDER_ROLE: 'both' }, line: /^TENDER_ROLE: .*worker/ },
  { variables: { TENDER_ROLE: 'api' }, line: /^TENDER_ROLE: api needs DATABASE_URL/ },
  {
    variables: { TENDER_ROLE: 'worker', DATABASE_URL: 'postgresql://localhost/shop', TENDER_SECRET: 's'.repeat(32) },
    line: /^TENDER_PUBLIC_URL: .*TENDER_ROLE=worker/,
  },
  { variables: { TENDER_POOL_SIZE: '2' }, line: /^TENDER_POOL_SIZE: / },
  { variables: { TENDER_DRAIN_SECONDS: '25' }, line: /^TENDER_STOP_SECONDS: .*25 seconds of TENDER_DRAIN_SECONDS/ },
  { variables: { TENDER_STOP_SECONDS: '0' }, line: /^TENDER_STOP_SECONDS: / },
  { variables: { TENDER_MAX_DEPTH: '201' }, line: /^TENDER_MAX_DEPTH: .*1 to 200/ },
  { variables: { TENDER_MAX_TOKENS: 'many' }, line: /^TENDER_MAX_TOKENS: .*100 to 50000/ },
  { variables: { TENDER_OPERATION_SECONDS: '0' }, line: /^TENDER_OPERATION_SECONDS: / },
  { variables: { TENDER_EXPLORER: 'yes' }, line: /^TENDER_EXPLORER: .*on or off/ },
  {
    variables: { TENDER_TRUSTED_DOCUMENTS_ONLY: 'true' },
    line: /^TENDER_TRUSTED_DOCUMENTS_ONLY: .*TENDER_TRUSTED_DOCUMENTS/,
  },
  {
    variables: { TENDER_TRUSTED_DOCUMENTS: '/nowhere.json' },
    line: /^TENDER_TRUSTED_DOCUMENTS: \/nowhere\.json cannot be read/,
  },
  { variables: { DATABASE_URL: 'mysql://root@localhost/shop' }, line: /^DATABASE_URL: .*postgresql:/ },
  { variables: { DATABASE_URL: 'postgresql://localhost/shop' }, line: /^TENDER_SECRET: .*DATABASE_URL/ },
] as { variables: Record<string, string>; line: RegExp }[])(
  'a start with $variables says what is wrong',
  async ({ variables, line }) => {
    const directory = join(temporaryPlace(), 'tender');
    expect(await refusal({ TENDER_DATA_DIR: directory, ...variables })).toMatch(line);
    expect(existsSync(directory)).toBe(false);
  },
);

test('what is wrong with DATABASE_URL is said without its password', async () => {
  const TENDER_SECRET = 's'.repeat(32);
  const malformed = await refusal({ TENDER_SECRET, DATABASE_URL: 'postgresql://me:hun/ter2@localhost/shop' });
  expect(malformed).toMatch(/^DATABASE_URL: /);
  expect(malformed).not.toContain('ter2');
  const port = await portTaken();
  const unreachable = await refusal({ TENDER_SECRET, DATABASE_URL: `postgresql://me:hunter2@127.0.0.1:${port}/shop` });
  expect(unreachable).toContain(`127.0.0.1:${port}`);
  expect(unreachable).not.toContain('hunter2');
});

test('a port that is taken is named, and no database is left running', async () => {
  const TENDER_DATA_DIR = await initializedDirectory();
  const port = await portTaken();
  const line = await refusal({ TENDER_DATA_DIR, PORT: String(port) });
  expect(line).toMatch(new RegExp(`^Port ${port} is taken .*PORT=`));
  expect(programsIn(TENDER_DATA_DIR)).toEqual([]);
});

test('an address that is not of this machine is named', async () => {
  const TENDER_DATA_DIR = await initializedDirectory();
  // An address of RFC 5737, which no machine has.
  expect(await refusal({ TENDER_DATA_DIR, HOST: '192.0.2.1' })).toMatch(/^HOST: .*192\.0\.2\.1/);
  expect(programsIn(TENDER_DATA_DIR)).toEqual([]);
});

test('a second gateway on the same data says where the first one runs', async () => {
  const TENDER_DATA_DIR = await initializedDirectory();
  const first = await startGateway({ TENDER_DATA_DIR });
  expect(await refusal({ TENDER_DATA_DIR })).toContain(`already running at ${first.url} `);
  expect(await takePayment(first)).toMatchObject({ status: 'SUCCEEDED' });
});

test('of two that are started at once one runs, and the other says so', async () => {
  const TENDER_DATA_DIR = join(temporaryPlace(), 'tender');
  const both = [spawnGateway({ TENDER_DATA_DIR }), spawnGateway({ TENDER_DATA_DIR })];
  const loser = await Promise.race(both.map(async (gateway) => ({ gateway, ending: await gateway.ended })));
  expect(loser.ending).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^A gateway .*is already running.*\n$/),
  });
  for (const winner of both.filter((gateway) => gateway !== loser.gateway)) {
    expect(await takePayment(await untilUp(winner))).toMatchObject({ status: 'SUCCEEDED' });
  }
});

/** A port of 127.0.0.1 on which something listens that drops every caller. */
async function portTaken(): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
