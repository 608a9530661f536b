import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { CreatePaymentMethodDocument, DetachPaymentMethodDocument } from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

async function detach(paymentMethodId: string) {
  const { detachPaymentMethod } = await gateway().execute(DetachPaymentMethodDocument, { input: { paymentMethodId } });
  return detachPaymentMethod;
}

test('a stored card pays for its customer', async () => {
  const customerId = await till.customer();
  const input = { customerId, card: card('4242 4242-42424242', { holderName: 'Jenny Rosen' }) };
  const { createPaymentMethod } = await gateway().execute(CreatePaymentMethodDocument, { input });
  const { paymentMethod } = only(createPaymentMethod, 'CreatePaymentMethodPayload');
  expect(paymentMethod).toMatchObject({
    detachedAt: null,
    customer: { id: customerId },
    card: { brand: 'VISA', last4: '4242', expMonth: 12, holderName: 'Jenny Rosen' },
  });
  expect(await till.pay({ paymentMethodId: paymentMethod.id })).toMatchObject({ status: 'SUCCEEDED' });
});

test('the same number has the same fingerprint, another has another', async () => {
  const customerId = await till.customer();
  const fingerprint = async (number: string): Promise<string> => {
    const input = { customerId, card: card(number) };
    const { createPaymentMethod } = await gateway().execute(CreatePaymentMethodDocument, { input });
    return only(createPaymentMethod, 'CreatePaymentMethodPayload').paymentMethod.card.fingerprint;
  };
  const first = await fingerprint('4242424242424242');
  expect(await fingerprint('4242 4242 4242 4242')).toBe(first);
  expect(await fingerprint('5555555555554444')).not.toBe(first);
});

test('a detached one is refused for new payments, and for those that were to be paid with it', async () => {
  const customerId = await till.customer();
  const paymentMethodId = await till.storedCard(customerId);
  const waiting = await till.pay({ paymentMethodId, process: false });
  const detached = only(await detach(paymentMethodId), 'DetachPaymentMethodPayload').paymentMethod;
  expect(detached.detachedAt).not.toBeNull();
  const expected = { code: 'INVALID_INPUT', path: ['input', 'paymentMethodId'] };
  expect(only(await till.create({ paymentMethodId, process: true }), 'InvalidInputError')).toMatchObject(expected);
  expect(only(await till.process({ paymentId: waiting.id }), 'InvalidInputError')).toMatchObject(expected);
  expect(only(await till.process({ paymentId: waiting.id, paymentMethodId }), 'InvalidInputError')).toMatchObject(
    expected,
  );
  const again = only(await detach(paymentMethodId), 'DetachPaymentMethodPayload').paymentMethod;
  expect(again.detachedAt).toBe(detached.detachedAt);
});

test('another customer’s card is refused', async () => {
  const paymentMethodId = await till.storedCard(await till.customer());
  const customerId = await till.customer();
  const refused = only(await till.create({ customerId, paymentMethodId, process: true }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'paymentMethodId']);
});

test('an unknown one cannot be detached', async () => {
  expect(only(await detach(`pm_${randomUUID()}`), 'NotFoundError')).toMatchObject({
    code: 'NOT_FOUND',
    path: ['input', 'paymentMethodId'],
  });
});
