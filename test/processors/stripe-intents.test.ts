import type { Stripe } from 'stripe';
import { expect, test } from 'vitest';
import { decline } from '../../src/domain/decline.ts';
import { stateOf } from '../../src/processors/stripe/intents.ts';
import { objectOf } from '../stripe/objects.ts';

type Intent = Partial<Stripe.PaymentIntent>;

const CREATED = 1_700_000_000;
const reference = 'pi_1';

/** An intent in a state of which nothing else is special. */
const intent = (fields: Intent): Stripe.PaymentIntent =>
  objectOf('payment_intent', {
    id: reference,
    created: CREATED,
    amount: 1_000,
    last_payment_error: null,
    next_action: null,
    ...fields,
  });

function charge(card: object, transaction: Partial<Stripe.BalanceTransaction> | string | null = null): Stripe.Charge {
  const made = objectOf('charge', {});
  Object.assign(made.payment_method_details?.card ?? {}, card);
  if (transaction === null || typeof transaction === 'string') made.balance_transaction = transaction;
  else made.balance_transaction = objectOf('balance_transaction', transaction);
  return made;
}

const approved = {
  kind: 'approved',
  reference,
  networkTransactionId: null,
  captured: true,
  expiresAt: null,
  settledAt: null,
};
const NONE = { givenUp: { tender_given_up: 'yes' }, noReturn: { tender_return_url: 'none' } };
const DAY = new Date('2026-01-01T00:00:00Z');
const DAY_SECONDS = DAY.getTime() / 1_000;

test.each<[string, Intent, object]>([
  ['succeeded', { status: 'succeeded', amount_received: 1_000 }, approved],
  [
    'succeeded, and its network knows it',
    { status: 'succeeded', amount_received: 1_000, latest_charge: charge({ network_transaction_id: 'n1' }) },
    { ...approved, networkTransactionId: 'n1' },
  ],
  [
    'succeeded, and its money is available',
    {
      status: 'succeeded',
      amount_received: 1_000,
      latest_charge: charge({}, { status: 'available', available_on: DAY_SECONDS }),
    },
    { ...approved, settledAt: DAY },
  ],
  [
    'succeeded, and its money is to come',
    {
      status: 'succeeded',
      amount_received: 1_000,
      latest_charge: charge({}, { status: 'pending', available_on: DAY_SECONDS }),
    },
    approved,
  ],
  [
    'succeeded, of which only ids are told',
    { status: 'succeeded', amount_received: 1_000, latest_charge: 'ch_1' },
    approved,
  ],
  [
    'succeeded, whose money is told by its id',
    { status: 'succeeded', amount_received: 1_000, latest_charge: charge({}, 'txn_1') },
    approved,
  ],
  ['captured in part', { status: 'succeeded', amount_received: 400 }, { ...approved, captured: false }],
  ['requires_capture', { status: 'requires_capture' }, { ...approved, captured: false }],
  [
    'requires_capture, until a day',
    { status: 'requires_capture', latest_charge: charge({ capture_before: DAY_SECONDS }) },
    { ...approved, captured: false, expiresAt: DAY },
  ],
  [
    'captured, after it had been held until a day',
    { status: 'succeeded', amount_received: 1_000, latest_charge: charge({ capture_before: DAY_SECONDS }) },
    approved,
  ],
  ['processing', { status: 'processing' }, { kind: 'pending', reference }],
  [
    'requires_action by a redirect',
    {
      status: 'requires_action',
      next_action: { type: 'redirect_to_url', redirect_to_url: { url: 'https://3ds', return_url: null } },
    },
    { kind: 'action_required', reference, url: 'https://3ds', expiresAt: new Date((CREATED + 3_600) * 1_000) },
  ],
  [
    'requires_action by a script',
    { status: 'requires_action', next_action: { type: 'use_stripe_sdk', use_stripe_sdk: {} } },
    { kind: 'no_way_to_payer' },
  ],
  ['requires_action, and none is told', { status: 'requires_action' }, { kind: 'no_way_to_payer' }],
  ['requires_confirmation', { status: 'requires_confirmation' }, { kind: 'not_confirmed' }],
  ['requires_payment_method', { status: 'requires_payment_method' }, { kind: 'not_confirmed' }],
  [
    'requires_payment_method after a decline',
    {
      status: 'requires_payment_method',
      last_payment_error: { type: 'card_error', code: 'card_declined', decline_code: 'lost_card' },
    },
    { kind: 'declined', reference, decline: decline('lost_card') },
  ],
  [
    'requires_payment_method after 3-D Secure',
    {
      status: 'requires_payment_method',
      last_payment_error: { type: 'invalid_request_error', code: 'payment_intent_authentication_failure' },
    },
    { kind: 'declined', reference, decline: decline('three_d_secure_failed') },
  ],
  ['canceled', { status: 'canceled', cancellation_reason: null }, { kind: 'voided', reference }],
  [
    'canceled by a wish',
    { status: 'canceled', cancellation_reason: 'requested_by_customer' },
    { kind: 'voided', reference },
  ],
  ['canceled by Stripe', { status: 'canceled', cancellation_reason: 'automatic' }, { kind: 'expired', reference }],
  ['canceled in the end', { status: 'canceled', cancellation_reason: 'expired' }, { kind: 'expired', reference }],
  ['given up', { status: 'canceled', cancellation_reason: 'abandoned', metadata: NONE.givenUp }, { kind: 'not_sent' }],
  [
    'given up, and charged all the same',
    { status: 'canceled', cancellation_reason: 'abandoned', metadata: NONE.givenUp, latest_charge: 'ch_1' },
    { kind: 'voided', reference },
  ],
  [
    'without a way to the payer',
    { status: 'canceled', cancellation_reason: 'abandoned', metadata: NONE.noReturn },
    { kind: 'declined', reference, decline: decline('return_url_missing') },
  ],
  [
    'canceled by a wish, without a way to the payer',
    { status: 'canceled', cancellation_reason: 'requested_by_customer', metadata: NONE.noReturn },
    { kind: 'voided', reference },
  ],
  [
    'abandoned by someone else',
    { status: 'canceled', cancellation_reason: 'abandoned' },
    { kind: 'voided', reference },
  ],
  ['in a state of tomorrow', { status: 'of_tomorrow' }, { kind: 'unknown' }],
])('an intent that is %s', (_, fields, state) => {
  expect(stateOf(intent(fields))).toEqual(state);
});
