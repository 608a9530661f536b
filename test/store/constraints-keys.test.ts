import { beforeEach, expect, test } from 'vitest';
import { addApiKey, apiKeyRow, auditRow, type Keyed } from '../harness/ledger-keys.ts';
import { CHECK, RESTRICTED, UNIQUE, useBypass } from './bypass.ts';

/** What the database refuses of keys and of the audit log, whatever the code does. */

const sql = useBypass();
const { write, refusalOf } = sql;

let mine: Keyed;

beforeEach(async () => {
  mine = await addApiKey(sql.client, sql.mine);
});

test.for([
  ['api_key_reads', { scopes: '{WRITE}' }],
  ['api_key_reads', { scopes: '{}' }],
  ['api_key_hash_is_sha256', { hash: Buffer.alloc(31) }],
] as const)('of a key: %s refuses %j', async ([constraint, given]) => {
  const refused = await refusalOf(() => write('api_key', { ...apiKeyRow(mine), ...given }));
  expect(refused).toEqual({ code: CHECK, constraint });
});

test('a key has scopes', async () => {
  const refused = await refusalOf(() => write('api_key', { ...apiKeyRow(mine), scopes: null }));
  expect(refused?.code).toBe('23502');
});

test('a key does not replace itself', async () => {
  const refused = await refusalOf(() =>
    write('api_key', { ...apiKeyRow(mine), id: mine.keyId, replaces_id: mine.keyId }),
  );
  expect(refused).toEqual({ code: CHECK, constraint: 'api_key_replaces_another' });
});

test('a key is replaced once', async () => {
  await write('api_key', { ...apiKeyRow(mine), replaces_id: mine.keyId });
  const refused = await refusalOf(() => write('api_key', { ...apiKeyRow(mine), replaces_id: mine.keyId }));
  expect(refused).toEqual({ code: UNIQUE, constraint: 'api_key_environment_id_replaces_id_key' });
});

test.for([
  `UPDATE audit_entry SET actor = 'nobody'`,
  'UPDATE audit_entry SET after = NULL',
  'DELETE FROM audit_entry',
  'TRUNCATE audit_entry',
])('the audit log is kept as it was written: %s', async (statement) => {
  await write('audit_entry', auditRow(mine));
  const refused = await refusalOf(() => sql.client.query(statement));
  expect(refused?.code).toBe(RESTRICTED);
  const { rows } = await sql.client.query<{ actor: string }>('SELECT actor FROM audit_entry');
  expect(rows).toEqual([{ actor: 'command' }]);
});
