import { serverAudits } from 'graphql-http';
import { describe, expect, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';

const gateway = useGateway();

describe('GraphQL over HTTP', () => {
  const audits = serverAudits({
    url: () => gateway().url,
    // It asks as anyone would; nobody is answered here without a key.
    fetchFn: (url: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${gateway().keys.test}`);
      return fetch(url, { ...init, headers });
    },
  });

  test('there are audits', () => {
    expect(audits.length).toBeGreaterThan(50);
  });

  test.each(audits.map((audit) => [audit.id, audit.name, audit] as const))('%s %s', async (_id, _name, audit) => {
    const result = await audit.fn();
    expect(result.status === 'ok' ? result.status : `${result.status}: ${result.reason}`).toBe('ok');
  });
});
