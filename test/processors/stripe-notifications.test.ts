import { expect, test } from 'vitest';
import { stripeConnector } from '../../src/processors/stripe/connector.ts';
import { Mailbox, sign } from '../stripe/mailbox.ts';

const SECRETS = ['whsec_new', 'whsec_old'];
const NOW = new Date('2026-11-21T12:00:00Z');

const credentials = { secretKey: 'sk_test_x', notificationSecrets: SECRETS };
const stripe = stripeConnector().connect(credentials, { rawCards: false });

function read(text: string, { secret = 'whsec_new', ageSeconds = 0 } = {}) {
  const at = new Date(NOW.getTime() - ageSeconds * 1_000);
  return stripe.readNotification(Buffer.from(text), sign(text, secret, at), NOW);
}

const event = (type: string, object: object): string => JSON.stringify({ id: 'evt_1', type, data: { object } });

const INTENT = event('payment_intent.succeeded', { object: 'payment_intent', id: 'pi_1' });
const READ = { kind: 'event', id: 'evt_1', type: 'payment_intent.succeeded', references: ['pi_1'] };

test.each(SECRETS)('an event is read that was signed with %s', (secret) => {
  expect(read(INTENT, { secret })).toEqual(READ);
});

test.each([
  [300, READ],
  [301, { kind: 'too_old' }],
  [-60, READ],
])('an event that was signed %i seconds ago', (ageSeconds, reading) => {
  expect(read(INTENT, { ageSeconds })).toEqual(reading);
});

test.each([
  ['of another secret', sign(INTENT, 'whsec_other', NOW)],
  ['of another text', sign(`${INTENT} `, 'whsec_new', NOW)],
  ['that is none', 'none'],
  ['that is empty', ''],
  ['without a time', sign(INTENT, 'whsec_new', NOW).replace(/t=\d+/, 't=')],
  ['of another time', sign(INTENT, 'whsec_new', NOW).replace(/t=\d+/, 't=1')],
  ['that is missing', undefined],
])('a signature %s is refused', (_, signature) => {
  expect(stripe.readNotification(Buffer.from(INTENT), signature, NOW)).toEqual({ kind: 'bad_signature' });
});

test.each([
  ['no JSON', 'no JSON'],
  ['no object', '"text"'],
  ['null', 'null'],
  ['no id', JSON.stringify({ type: 'x', data: {} })],
  ['no type', JSON.stringify({ id: 'evt_1', data: {} })],
  ['no data', JSON.stringify({ id: 'evt_1', type: 'x' })],
  ['an event of the second version', JSON.stringify({ id: 'evt_1', object: 'v2.core.event', type: 'x' })],
])('%s, signed, is unreadable', (_, text) => {
  expect(read(text)).toEqual({ kind: 'unreadable' });
});

test.each([
  ['payment_intent.canceled', { object: 'payment_intent', id: 'pi_1' }, ['pi_1']],
  ['charge.updated', { object: 'charge', id: 'ch_1', payment_intent: 'pi_1' }, ['pi_1']],
  ['charge.refunded', { object: 'charge', id: 'ch_1', payment_intent: null }, []],
  ['refund.updated', { object: 'refund', id: 're_1', payment_intent: 'pi_1' }, ['re_1', 'pi_1']],
  ['refund.failed', { object: 'refund', id: 're_1', payment_intent: null }, ['re_1']],
  ['charge.dispute.closed', { object: 'dispute', id: 'du_1', payment_intent: 'pi_1' }, ['pi_1']],
  ['payout.paid', { object: 'payout', id: 'po_1' }, []],
  ['customer.created', { object: 'customer', id: 'cus_1' }, []],
  ['of.tomorrow', {}, []],
])('%s of %o is about %o', (type, object, references) => {
  expect(read(event(type, object))).toEqual({ kind: 'event', id: 'evt_1', type, references });
});

test('a body that is not UTF-8 is read as far as it can be, once its signature is right', () => {
  const body = Buffer.concat([
    Buffer.from(INTENT.slice(0, -1)),
    Buffer.from(',"x":"'),
    Buffer.from([0xff]),
    Buffer.from('"}'),
  ]);
  const signature = sign(body.toString('utf8'), 'whsec_new', NOW);
  expect(stripe.readNotification(body, signature, NOW)).toEqual(READ);
});

test('the stand-in signs what the connector reads', () => {
  const mailbox = new Mailbox();
  mailbox.add('payment_intent.succeeded', { object: 'payment_intent', id: 'pi_1' });
  const [letter] = mailbox.letters({ secret: 'whsec_old', at: NOW });
  const reading = stripe.readNotification(Buffer.from(letter?.body ?? ''), letter?.signature, NOW);
  expect(reading).toMatchObject({ kind: 'event', references: ['pi_1'] });
});
