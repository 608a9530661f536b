import type { LookupAddress } from 'node:dns';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { Receiver } from '../harness/receiver.ts';

/** A gateway as an operator runs it, but for the names: here a test says where they lead. */
let resolved: readonly string[] = [];
const asked: string[] = [];
const gateway = useGateway({
  resolveHost: (host) => {
    asked.push(host);
    const addresses = resolved.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
    return Promise.resolve(addresses);
  },
});
const hooks = new Hooks(gateway);
const receiver = new Receiver();

beforeAll(() => receiver.start());
afterAll(() => receiver.stop());

test.for([
  'http://hooks.example/',
  'https://127.0.0.1/',
  'https://[::1]/',
  'https://169.254.169.254/latest/meta-data/',
  'https://192.168.0.1/',
  'https://0x7f000001/',
])('an endpoint at %s is not taken', async (url) => {
  expect(await hooks.create({ url })).toMatchObject({ __typename: 'InvalidInputError', path: ['input', 'url'] });
});

test.for([
  ['127.0.0.1'],
  ['::1'],
  ['10.0.0.5', '192.168.0.1'],
  ['::ffff:127.0.0.1'],
  ['169.254.169.254'],
  ['64:ff9b::7f00:1'],
])('nothing is sent to a name that leads to %j', async (addresses) => {
  resolved = addresses;
  asked.length = 0;
  // The receiver is where the connection would go.
  const { id } = await hooks.endpoint(`https://hooks.example:${receiver.port}/`);
  const delivery = await hooks.over(await hooks.sendTest(id));
  expect(delivery).toMatchObject({
    status: 'FAILED',
    attempts: [{ error: 'ADDRESS_REFUSED', responseStatus: null, responseBody: null }],
  });
  expect(asked).toEqual(['hooks.example']);
  expect(receiver.received).toEqual([]);
});

test('a name that leads nowhere is told', async () => {
  resolved = [];
  const { id } = await hooks.endpoint('https://hooks.example/');
  const delivery = await hooks.over(await hooks.sendTest(id));
  expect(delivery).toMatchObject({ status: 'FAILED', attempts: [{ error: 'NAME_NOT_RESOLVED' }] });
});
