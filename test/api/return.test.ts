import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, delayed, doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

/** A charge that succeeded too late is given back, and that goes wrong, too. */

const processor = new Interposed();
/** Nothing that is unknown or pending is asked about before a test has it asked, however slow the machine is. */
const gateway = useGateway({ sandbox: { interpose: processor }, settings: { recoveryDelayMs: 30_000 } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

beforeEach(() => processor.use({}));

/** A canceled payment whose charge was given up, and made after all: nobody has told the gateway so far. */
async function lateCharge(): Promise<string> {
  const late = delayed();
  processor.use({ charge: late.standIn });
  const { id } = await till.pay();
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  only(await till.cancel({ paymentId: id }), 'CancelPaymentPayload');
  await late.arrive();
  return id;
}

function refundKeys(): string[] {
  return processor.calls.filter(({ call }) => call === 'refund').map(({ key }) => key);
}

test('its answer is lost: it is looked up, not made again', async () => {
  const id = await lateCharge();
  const before = refundKeys().length;
  processor.use({ refund: doneThenLost });
  await backstage.notify(id, 'CHARGE');
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNING' }]);
  expect(await till.operationOf(id, 'RETURN')).toMatchObject({ status: 'UNKNOWN' });
  await backstage.askAgain(id);
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }]);
  expect(refundKeys()).toHaveLength(before + 1);
  expect(await backstage.charges(id)).toMatchObject([{ captured: 4999, refunded: 4999 }]);
});

test('it never reached the processor: it is made again, under the same key', async () => {
  const id = await lateCharge();
  const before = refundKeys().length;
  processor.use({ refund: lost });
  await backstage.notify(id, 'CHARGE');
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  await backstage.askAgain(id);
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }]);
  const keys = refundKeys().slice(before);
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  expect(await backstage.charges(id)).toMatchObject([{ captured: 4999, refunded: 4999 }]);
});

test('the processor refuses it: an operator is told, and says when the money has gone back', async () => {
  const id = await lateCharge();
  processor.use({
    refund: answers({ kind: 'failed', reference: null, code: 'no_balance', message: 'No balance.' }),
  });
  await backstage.notify(id, 'CHARGE');
  const raised = await till.operationOf(id, 'RETURN');
  expect(raised.status).toBe('RAISED');
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', attempts: [{ flag: 'LATE_SUCCESS_RETURNING' }] });
  const impossible = { operationId: raised.id, outcome: 'FAILED', note: 'Not possible.' } as const;
  expect(only(await till.resolve(impossible), 'InvalidInputError').path).toEqual(['input', 'outcome']);
  const done = { ...impossible, outcome: 'SUCCEEDED', processorReference: 're_by_hand', note: 'By hand.' } as const;
  expect(only(await till.resolve(done), 'ResolveOperationPayload').operation).toMatchObject({ status: 'COMPLETED' });
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }]);
});

test('the processor refuses it at first, and has done it later: it is asked hourly', async () => {
  const id = await lateCharge();
  processor.use({
    refund: answers({ kind: 'failed', reference: null, code: 'no_balance', message: 'No balance.' }),
  });
  await backstage.notify(id, 'CHARGE');
  processor.use({ lookUpMovement: answers({ kind: 'succeeded', reference: 'mv_later', settledAt: null }) });
  await backstage.letTimePass(id, 0.1);
  expect((await till.operationOf(id, 'RETURN')).status).toBe('RAISED');
  await backstage.letTimePass(id, 1);
  expect((await till.operationOf(id, 'RETURN')).status).toBe('COMPLETED');
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }]);
});

test('it is pending at first: it is awaited', async () => {
  const id = await lateCharge();
  processor.use({ refund: async (_, pass) => (await pass()) && { kind: 'pending', reference: 'mv_slow' } });
  await backstage.notify(id, 'CHARGE');
  expect(await till.operationOf(id, 'RETURN')).toMatchObject({ status: 'PENDING', processorReference: 'mv_slow' });
  processor.use({});
  await backstage.askAgain(id);
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }]);
});

test('it comes back from the bank after it had succeeded: an operator is told', async () => {
  const id = await lateCharge();
  await backstage.notify(id, 'CHARGE');
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }]);
  processor.use({
    lookUpMovement: answers({ kind: 'failed', reference: 'mv', code: 'returned', message: 'It came back.' }),
  });
  await backstage.notify(id, 'RETURN');
  expect((await till.operationOf(id, 'RETURN')).status).toBe('RAISED');
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNING' }]);
});

test('a charge that is made late and stays pending is not lost sight of: it is given back once it is made', async () => {
  const id = await lateCharge();
  processor.use({ lookUpCharge: answers({ kind: 'pending', reference: 'ch_slow' }) });
  await backstage.letTimePass(id, 1);
  expect((await till.read(id)).attempts).toMatchObject([{ flag: null }]);
  processor.use({});
  await backstage.letTimePass(id, 1);
  expect((await till.read(id)).attempts).toMatchObject([{ flag: 'LATE_SUCCESS_RETURNED' }]);
  expect(await backstage.standing(id)).toEqual([]);
});
