import { describe, expect, test } from 'vitest';
import { startGateway, useGateway } from '../harness/gateway.ts';
import { TRANSPORTS } from '../harness/transports.ts';

const documents = new Map([
  ['hash-of-viewer', 'query Viewer { viewer { mode } }'],
  ['hash-of-payments', 'query Payments($first: Int) { payments(first: $first) { totalCount } }'],
  [
    'hash-of-much',
    'query Much($n: Int) { payments(first: $n) { edges { node { events(first: $n) { edges { node { payment { events(first: $n) { edges { node { id } } } } } } } } } } }',
  ],
]);
const some = useGateway({ trustedDocuments: { documents, only: false } });
const only = useGateway({ trustedDocuments: { documents, only: true } });

const persisted = (sha256Hash: unknown) => ({ persistedQuery: { version: 1, sha256Hash } });
const VIEWER = { viewer: { mode: 'TEST' } };

describe.each(TRANSPORTS)('over %s', (_name, ask) => {
  test.each([
    ['alone', only],
    ['beside others', some],
  ])('a trusted document is executed for its hash, %s', async (_way, gateway) => {
    expect(await ask(gateway(), { extensions: persisted('hash-of-viewer') })).toMatchObject({ data: VIEWER });
    const request = { variables: { first: 5 }, operationName: 'Payments', extensions: persisted('hash-of-payments') };
    expect(await ask(gateway(), request)).toMatchObject({ data: { payments: { totalCount: 0 } } });
  });

  test('nothing else is, where only they are', async () => {
    for (const [payload, code] of [
      [{ query: '{ viewer { mode } }' }, 'PERSISTED_QUERY_ID_REQUIRED'],
      [{ query: '{ viewer { mode } }', extensions: persisted(42) }, 'PERSISTED_QUERY_ID_REQUIRED'],
      [{ query: '{ viewer { mode } }', extensions: persisted('unknown') }, 'PERSISTED_QUERY_NOT_IN_LIST'],
      [{ extensions: persisted('unknown') }, 'PERSISTED_QUERY_NOT_IN_LIST'],
    ] as const) {
      const { status, errors } = await ask(only(), payload);
      expect(errors).toMatchObject([{ extensions: { code } }]);
      if (status !== undefined) expect(status).toBe(400);
    }
    // What the hash stands for is executed, whatever else is there.
    const sly = { query: '{ payments { totalCount } }', extensions: persisted('hash-of-viewer') };
    expect(await ask(only(), sly)).toMatchObject({ data: VIEWER });
  });

  test('others are, where they are taken, too', async () => {
    expect(await ask(some(), { query: '{ viewer { mode } }' })).toMatchObject({ data: VIEWER });
    const { errors } = await ask(some(), { extensions: persisted('unknown') });
    expect(errors).toMatchObject([{ extensions: { code: 'PERSISTED_QUERY_NOT_IN_LIST' } }]);
  });

  test('they are held to the same limits', async () => {
    const { errors } = await ask(only(), { variables: { n: 100 }, extensions: persisted('hash-of-much') });
    expect(errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_LARGE' } }]);
  });
});

test.each([
  ['that is none', 'query {'],
  ['that the schema does not have', '{ nothing }'],
  ['that exceeds a limit', '{ viewer '.repeat(60)],
])('the gateway does not start with a document %s', async (_what, text) => {
  const trustedDocuments = { documents: new Map([['its-hash', text]]), only: false };
  await expect(startGateway({ trustedDocuments })).rejects.toThrow(/^TENDER_TRUSTED_DOCUMENTS: its-hash: /);
});
