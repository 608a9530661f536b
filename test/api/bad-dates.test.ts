import { expect, test } from 'vitest';
import {
  CreatePaymentDocument,
  UpdatePaymentDocument,
  type CreatePaymentInput,
} from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { countRows } from '../harness/rows.ts';
import { card, Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

type Refusal = readonly [what: string, input: Partial<CreatePaymentInput>, field: string];

/** Each is a payment that would be scheduled, but for one thing. */
const INVALID: readonly Refusal[] = [
  ['a date that is over', { paymentDate: inMs(-1_000) }, 'paymentDate'],
  ['a date in 1970', { paymentDate: new Date(0).toISOString() }, 'paymentDate'],
  ['a date more than a year ahead', { paymentDate: inMs(367 * DAY_MS) }, 'paymentDate'],
  ['a date and process: true', { process: true }, 'paymentDate'],
  ['a date with nothing to pay with', { card: null }, 'paymentDate'],
  ['an expiry that is over', { paymentDate: null, expiresAt: inMs(-1_000) }, 'expiresAt'],
  ['an expiry more than a year ahead', { expiresAt: inMs(367 * DAY_MS) }, 'expiresAt'],
  ['an expiry before the date', { paymentDate: inMs(2 * HOUR_MS), expiresAt: inMs(HOUR_MS) }, 'expiresAt'],
];

test.each(INVALID)('%s is refused, and nothing is written', async (_, input, field) => {
  const before = await countRows(gateway());
  const refused = only(await till.create({ card: card(), paymentDate: inMs(HOUR_MS), ...input }), 'InvalidInputError');
  expect(refused).toEqual({
    __typename: 'InvalidInputError',
    code: 'INVALID_INPUT',
    message: expect.stringMatching(/^.{10,}\.$/),
    path: ['input', field],
  });
  expect(await countRows(gateway())).toEqual(before);
});

test('a date and an expiry of nearly a year are taken', async () => {
  const input = { paymentDate: inMs(364 * DAY_MS), expiresAt: inMs(365 * DAY_MS) };
  expect(await till.pay({ process: false, ...input })).toMatchObject({ status: 'SCHEDULED', ...input });
});

test('a date in another time zone is the same moment', async () => {
  const moment = new Date(Date.now() + DAY_MS);
  const inIndia = new Date(moment.getTime() + 5.5 * HOUR_MS).toISOString().replace('Z', '+05:30');
  expect((await till.pay({ process: false, paymentDate: inIndia })).paymentDate).toBe(moment.toISOString());
});

test.each([
  ['a date that is over', inMs(-1_000)],
  ['a date more than a year ahead', inMs(367 * DAY_MS)],
])('updatePayment: %s is refused', async (_, paymentDate) => {
  const scheduled = await till.pay({ process: false, paymentDate: inMs(HOUR_MS) });
  const refused = only(await till.update({ paymentId: scheduled.id, paymentDate }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'paymentDate']);
  expect(await till.read(scheduled.id)).toEqual(scheduled);
});

test('updatePayment: a payment with nothing to pay with gets no date', async () => {
  const { id } = only(await till.create(), 'CreatePaymentPayload').payment;
  const refused = only(await till.update({ paymentId: id, paymentDate: inMs(HOUR_MS) }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'paymentDate']);
});

test('updatePayment: no date after the payment has expired', async () => {
  const { id } = await till.pay({ process: false, expiresAt: inMs(HOUR_MS) });
  const refused = only(await till.update({ paymentId: id, paymentDate: inMs(2 * HOUR_MS) }), 'InvalidInputError');
  expect(refused.path).toEqual(['input', 'paymentDate']);
});

test('updatePayment: one thing that is refused leaves the other undone, too', async () => {
  const paid = await till.pay();
  only(await till.update({ paymentId: paid.id, active: false, paymentDate: null }), 'IllegalStateError');
  expect(await till.read(paid.id)).toEqual(paid);
});

test('updatePayment: what does not exist, whatever it looks like', async () => {
  const theirs = (await new Till(gateway, 'other').pay({ process: false })).id;
  for (const paymentId of [theirs, 'nonsense', '', await till.customer()]) {
    const refused = only(await till.update({ paymentId, active: false }), 'NotFoundError');
    expect(refused).toMatchObject({ code: 'NOT_FOUND', path: ['input', 'paymentId'] });
  }
  expect((await new Till(gateway, 'other').read(theirs)).active).toBe(true);
});

test.each(['tomorrow', '2027-02-30T00:00:00Z', '2027-01-01', 1_800_000_000, ''])('%j is no moment', async (moment) => {
  const before = await countRows(gateway());
  const input = { idempotencyKey: 'a key', amount: 1, currency: 'EUR', card: card(), paymentDate: moment };
  for (const [document, variables] of [
    [CreatePaymentDocument, { input }],
    [UpdatePaymentDocument, { input: { paymentId: 'pay_', paymentDate: moment } }],
  ] as const) {
    const { data, errors } = await gateway().request(document, variables);
    expect(data).toBeFalsy();
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', inputPath: ['input', 'paymentDate'] });
  }
  expect(await countRows(gateway())).toEqual(before);
});
