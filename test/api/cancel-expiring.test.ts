import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { answers, doneThenLost, lost } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

beforeEach(() => processor.use({}));

async function cancel(paymentId: string) {
  return only(await till.cancel({ paymentId }), 'CancelPaymentPayload').payment;
}

test('a cancellation while the expiry is under way: the one void does for both, and the end is CANCELED', async () => {
  const { id } = await till.authorize();
  processor.use({ void: doneThenLost });
  await backstage.letFallDue(id);
  expect((await till.read(id)).expiryRequestedAt).not.toBeNull();
  expect(await cancel(id)).toMatchObject({ status: 'AUTHORIZED', cancelRequestedAt: expect.any(String) });
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({ status: 'CANCELED', expiryRequestedAt: null, expiredAt: null });
  expect((await till.operationsOf(id)).filter(({ kind }) => kind === 'VOID')).toHaveLength(1);
});

test('a cancellation while the expiry is under way, and the void is refused: both are told so', async () => {
  const { id } = await till.authorize();
  processor.use({
    void: lost,
    lookUpMovement: answers({ kind: 'failed', reference: null, code: 'busy', message: 'Not now.' }),
  });
  await backstage.letFallDue(id);
  expect((await till.read(id)).expiryRequestedAt).not.toBeNull();
  await cancel(id);
  await backstage.askAgain(id);
  expect(await till.read(id)).toMatchObject({
    status: 'AUTHORIZED',
    cancelRequestedAt: null,
    expiryRequestedAt: null,
  });
  expect((await till.eventTypes(id)).slice(-2)).toEqual(['PAYMENT_CANCEL_REFUSED', 'PAYMENT_EXPIRY_REFUSED']);
});
