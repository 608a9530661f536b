import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { NodesDocument, PaymentDocument, PaymentStatusChangedDocument } from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { grant, Payer } from '../harness/payer.ts';
import { subscribeOverWebSocket } from '../harness/subscription.ts';
import { card, Till } from '../harness/till.ts';

/** What payers are told of a decline: who found a card is not to learn that it is watched. */

const gateway = useGateway();
const till = new Till(gateway);

async function decline(number: string) {
  const customerId = await till.customer({ email: `${randomUUID()}@example.com` });
  const order = `ord_${randomUUID()}`;
  const payer = await Payer.of(gateway(), { customerId, grants: [grant(order)] });
  return { payer, payment: await payer.paid([order], { card: card(number) }) };
}

test.each([
  ['4000000000009987', 'lost_card'],
  ['4000000000009979', 'stolen_card'],
  ['4000000000006975', 'card_velocity_exceeded'],
  ['4000000000001000', 'do_not_honor'],
])('%s: a payer is told of a generic decline, the merchant of %s', async (number, code) => {
  const { payer, payment } = await decline(number);
  const generic = (await decline('4000000000000002')).payment.decline;
  expect(generic?.code).toBe('generic_decline');
  expect([payment.decline, payment.attempts[0]?.decline]).toEqual([generic, generic]);
  const read = await gateway().execute(PaymentDocument, { id: payment.id }, { key: payer.token });
  expect([read.payment?.decline, read.payment?.attempts[0]?.decline]).toEqual([generic, generic]);
  const asMerchant = await till.read(payment.id);
  expect([asMerchant.decline?.code, asMerchant.attempts[0]?.decline?.code]).toEqual([code, code]);
});

test('a payer is told, in words for payers, what they can put right', async () => {
  for (const [number, code] of [
    ['4000000000000127', 'incorrect_cvc'],
    ['4000000000000069', 'expired_card'],
  ] as const) {
    const { payment } = await decline(number);
    const { decline: forMerchant } = await till.read(payment.id);
    expect([payment.decline?.code, forMerchant?.code]).toEqual([code, code]);
    expect(payment.decline?.message).not.toBe(forMerchant?.message);
  }
});

test('nothing else of the payment tells more', async () => {
  const { payer, payment } = await decline('4000000000009979');
  const events = payment.events.edges.map(({ node }) => node.id);
  const everything = `{ payment(id: "${payment.id}") { ${await allScalars('Payment')}
    attempts { ${await allScalars('Attempt')} } events { edges { node { ${await allScalars('PaymentEvent')} } } } } }`;
  const { text, errors } = await payer.request(everything);
  expect(errors).toBeUndefined();
  expect(text).not.toMatch(/stolen/i);
  const { nodes } = await gateway().execute(NodesDocument, { ids: events }, { key: payer.token });
  expect(nodes).toHaveLength(events.length);
  const live = subscribeOverWebSocket(gateway(), PaymentStatusChangedDocument, { id: payment.id }, payer.token);
  expect(JSON.stringify(await live.next())).not.toMatch(/stolen/i);
});

/** What a payer's token does not open. */
const MERCHANTS = ['idempotencyKey'];

/** Every field of a type that is no object and that payers may see, as introspection tells it. */
async function allScalars(type: string): Promise<string> {
  type Kind = { kind: string; ofType?: Kind | null };
  const { data } = await gateway().request<{ __type: { fields: { name: string; type: Kind }[] } }>(
    `{ __type(name: "${type}") { fields { name type { kind ofType { kind } } } } }`,
  );
  const fields = (data?.__type.fields ?? []).filter(({ name }) => !MERCHANTS.includes(name));
  const kinds = ({ kind, ofType }: Kind): string => (kind === 'NON_NULL' && ofType ? ofType.kind : kind);
  return fields.flatMap((field) => (['SCALAR', 'ENUM'].includes(kinds(field.type)) ? [field.name] : [])).join(' ');
}
