import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { countRows } from '../harness/rows.ts';
import { lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

const processor = new Interposed();
// What is left unknown is looked into later than these tests take: it would write while they count.
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

const FOUND = { outcome: 'FAILED', note: 'It never arrived.' } as const;

beforeEach(() => processor.use({}));

async function raisedCharge(of = till): Promise<string> {
  processor.use({ charge: lost, lookUpCharge: lost });
  const { id } = await of.pay();
  await backstage.letTimePass(id, 25);
  return (await of.operationOf(id, 'CHARGE')).id;
}

/** Sends it. @returns the refusal, once it is certain that nothing was written */
async function refusalOf(input: Parameters<Till['resolve']>[0]) {
  const before = await countRows(gateway());
  const result = await till.resolve(input);
  expect(await countRows(gateway())).toEqual(before);
  return result;
}

test.each([
  ['an empty note', { note: ' ' }, 'note'],
  ['a note of 501 characters', { note: 'x'.repeat(501) }, 'note'],
  ['a card number in the note', { note: 'paid with 4242424242424242' }, 'note'],
  ['a card number as the reference', { processorReference: '4242424242424242' }, 'processorReference'],
  ['a success without its reference', { outcome: 'SUCCEEDED' }, 'processorReference'],
  ['an empty key', { idempotencyKey: '' }, 'idempotencyKey'],
] as const)('%s is refused', async (_, input, field) => {
  const operationId = await raisedCharge();
  const refused = only(await refusalOf({ ...FOUND, operationId, ...input }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', field]);
});

test('an operation that is not raised is refused: it is told how it stands', async () => {
  const paid = await till.pay();
  const { id: completed } = await till.operationOf(paid.id, 'CHARGE');
  processor.use({ charge: lost });
  const waiting = await till.pay();
  const { id: unknown } = await till.operationOf(waiting.id, 'CHARGE');
  for (const [operationId, status] of [
    [completed, 'COMPLETED'],
    [unknown, 'UNKNOWN'],
  ] as const) {
    const refused = only(await refusalOf({ ...FOUND, operationId }), 'InvalidInputError');
    expect(refused).toMatchObject({ path: ['input', 'operationId'], message: expect.stringContaining(status) });
  }
});

test("another environment's operation is answered as one that does not exist, and seen by nobody else", async () => {
  const foreign = await raisedCharge(new Till(gateway, 'other'));
  const answers = new Set<string>();
  for (const operationId of [foreign, `op_${randomUUID()}`, 'nonsense', '', (await till.pay({ process: false })).id]) {
    answers.add(JSON.stringify(only(await refusalOf({ ...FOUND, operationId }), 'NotFoundError')));
  }
  expect([...answers].map((answer) => JSON.parse(answer) as object)).toEqual([
    expect.objectContaining({ code: 'NOT_FOUND', path: ['input', 'operationId'] }),
  ]);
  expect((await till.operations({ status: ['RAISED'] })).map(({ id }) => id)).not.toContain(foreign);
  expect(await new Till(gateway, 'live').recovery()).toEqual({
    unknown: 0,
    raised: 0,
    oldestUnknownSince: null,
    oldestUnknownAgeSeconds: 0,
  });
});

test('two operators at the same time: one of them settles it', async () => {
  const operationId = await raisedCharge();
  const results = await Promise.all([1, 2, 3, 4].map(() => till.resolve({ ...FOUND, operationId })));
  expect(results.filter((result) => result.__typename === 'ResolveOperationPayload')).toHaveLength(1);
  expect(results.filter((result) => result.__typename === 'InvalidInputError')).toHaveLength(3);
  const completed = await till.operations({ status: ['COMPLETED'] });
  expect(completed.find(({ id }) => id === operationId)?.resolutions).toHaveLength(1);
});

test('a refusal leaves the key free', async () => {
  const operationId = await raisedCharge();
  const idempotencyKey = randomUUID();
  only(await till.resolve({ ...FOUND, operationId, idempotencyKey, outcome: 'SUCCEEDED' }), 'InvalidInputError');
  const settled = only(await till.resolve({ ...FOUND, operationId, idempotencyKey }), 'ResolveOperationPayload');
  expect(settled.replayed).toBe(false);
});
