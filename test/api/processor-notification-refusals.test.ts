import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { beforeAll, expect, test } from 'vitest';
import { FarProcessor, sign, type SignedNotification } from '../harness/far-processor.ts';
import { useGateway } from '../harness/gateway.ts';
import { MerchantAccounts, notify, type Account } from '../harness/merchant-accounts.ts';
import { countRows } from '../harness/rows.ts';

const far = new FarProcessor();
const gateway = useGateway({ connectors: [far] });
const accounts = new MerchantAccounts(gateway);
let account: Account;

beforeAll(async () => {
  account = await accounts.open();
});

const OLD = new Date(Date.now() - 600_000);
const BAD: readonly (readonly [string, number, (good: SignedNotification) => SignedNotification])[] = [
  ['a signature of another secret', 400, ({ body }) => sign(body, { secret: 'whsec_of_nobody_here' })],
  ['a signature of another body', 400, ({ signature }) => ({ body: Buffer.from('{}'), signature })],
  ['no signature', 400, ({ body }) => ({ body, signature: '' })],
  ['an old signature', 400, ({ body }) => sign(body, { at: OLD })],
  ['a huge body', 413, () => sign(Buffer.alloc(256 * 1_024 + 1, ' '))],
  ['an empty body', 400, () => sign(Buffer.alloc(0))],
  ['invalid UTF-8', 400, () => sign(Buffer.from([0x7b, 0xff, 0x7d]))],
  ['an id that fits no index', 400, () => far.notification([], { id: 'x'.repeat(3_000) })],
  ['an id with a NUL', 400, () => far.notification([], { id: 'evt\u0000' })],
];

test.each(BAD)('%s is refused with %i, and nothing is kept but a count', async (_, status, make) => {
  const before = await countRows(gateway());
  const logged = gateway().logged.length;
  expect(await notify(account, make(far.notification(['ch_1'])))).toBe(status);
  expect(await countRows(gateway())).toEqual(before);
  expect(gateway().logged).toHaveLength(logged);
});

test('accounts that there are not, of another environment, and ways that lead nowhere', async () => {
  const theirs = await new MerchantAccounts(gateway, 'other').open();
  const rows = await countRows(gateway());
  const [, , , , environment = '', id = ''] = account.notificationUrl.split('/');
  const [, , , , theirEnvironment = '', theirId = ''] = theirs.notificationUrl.split('/');
  const { url } = gateway().app.server;
  for (const place of [
    `${environment}/${theirId}`,
    `${theirEnvironment}/${id}`,
    `${environment}/pra_${randomUUID()}`,
    `${environment}/${id}/more`,
    `${id}/${environment}`,
    'nowhere',
    '',
  ]) {
    const notificationUrl = `${url}/notifications/${place}`;
    expect([place, await notify({ notificationUrl }, far.notification(['ch_1']))]).toEqual([place, 404]);
  }
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    expect((await fetch(account.notificationUrl, { method })).status).toBe(405);
  }
  expect(await countRows(gateway())).toEqual(rows);
});

test('a body that is broken off is no reason for a line of the log', async () => {
  const logged = gateway().logged.length;
  const { url } = gateway().app.server;
  const broken = request(account.notificationUrl, {
    method: 'POST',
    headers: { 'content-length': '100', expect: '100-continue' },
  });
  broken.on('error', () => {});
  broken.flushHeaders();
  await new Promise((resolve) => broken.once('continue', resolve));
  broken.write('{"half":');
  broken.destroy();
  await new Promise((resolve) => broken.once('close', resolve));
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  expect(await notify(account, far.notification([]))).toBe(200);
  expect(gateway().logged.slice(logged)).toEqual([]);
  expect((await countRows(gateway()))['processor_notification']).toBe(1);
});
