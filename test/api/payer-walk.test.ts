import { getNamedType, isAbstractType, isObjectType, type GraphQLNamedType, type GraphQLObjectType } from 'graphql';
import { beforeAll, expect, test } from 'vitest';
import type { ClientTokenScope, TypedDocumentString } from '../../generated/operations/graphql.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { Payer } from '../harness/payer.ts';
import { leastDocument, rootFieldsOf } from '../harness/root-fields.ts';
import { subscribeOverEvents } from '../harness/subscription.ts';
import { card, Till } from '../harness/till.ts';

/**
 * A walk over the whole schema with payers' tokens. A new field fails here until it is listed: what is at the root is the
 * merchant's unless it stands in FOR_PAYERS, and what leads from a payer's data to any row stands in LEADING.
 */

const gateway = useGateway();
const till = new Till(gateway);
const schema = buildSchema();

/** What of the root payers may use, and with which scope. */
const FOR_PAYERS: Readonly<Record<string, ClientTokenScope>> = {
  'Query.clientToken': 'READ',
  'Query.events': 'READ',
  'Query.node': 'READ',
  'Query.nodes': 'READ',
  'Query.payment': 'READ',
  'Query.paymentPage': 'READ',
  'Query.payments': 'READ',
  'Mutation.payOrders': 'PAY',
  'Mutation.processPayment': 'PAY',
  'Mutation.updatePayment': 'PAY',
  'Subscription.paymentEvents': 'READ',
  'Subscription.paymentStatusChanged': 'READ',
};

/** Who may follow the fields that lead from a payer's data to rows: every payer, those of a customer, or none. */
const LEADING: Readonly<Record<string, 'payers' | 'customers' | 'merchant'>> = {
  'Attempt.captures': 'payers',
  'Attempt.events': 'payers',
  'Attempt.payment': 'payers',
  'Attempt.paymentMethod': 'payers',
  'Attempt.processorAccount': 'merchant',
  'Attempt.refunds': 'payers',
  'Capture.attempt': 'payers',
  'Capture.events': 'payers',
  'Capture.payment': 'payers',
  'Capture.refunds': 'payers',
  'ClientToken.customer': 'payers',
  'ClientToken.payment': 'payers',
  'Customer.paymentMethods': 'payers',
  'Customer.payments': 'payers',
  'Payment.attempts': 'payers',
  'Payment.captures': 'payers',
  'Payment.customer': 'customers',
  'Payment.destinations': 'payers',
  'Payment.events': 'payers',
  'Payment.operations': 'merchant',
  'Payment.paymentMethod': 'payers',
  'Payment.refunds': 'payers',
  'PaymentDestination.payment': 'payers',
  'PaymentEvent.attempt': 'payers',
  'PaymentEvent.capture': 'payers',
  'PaymentEvent.customer': 'customers',
  'PaymentEvent.payment': 'payers',
  'PaymentEvent.refund': 'payers',
  'PaymentEventMessage.event': 'payers',
  'PaymentEventPage.events': 'payers',
  'PaymentMethod.attempts': 'merchant',
  'PaymentMethod.customer': 'customers',
  'PaymentMethod.payments': 'merchant',
  'PaymentMethod.processorAccount': 'merchant',
  'PaymentPage.items': 'payers',
  'PayOrdersPayload.payment': 'payers',
  'ProcessPaymentPayload.payment': 'payers',
  'Refund.attempt': 'payers',
  'Refund.captures': 'payers',
  'Refund.events': 'payers',
  'Refund.payment': 'payers',
  'UpdatePaymentPayload.payment': 'payers',
};

/** Of what payers may see, this is for others, though it leads nowhere. */
const WITHHELD: Readonly<Record<string, 'customers' | 'merchant'>> = { 'Payment.applicationFee': 'merchant' };

const rootFields = rootFieldsOf(schema);

let customerId: string;
let paymentId: string;

beforeAll(async () => {
  customerId = await till.customer();
  const paid = await till.authorize({
    card: card(),
    customerId,
    amount: 1000,
    destinations: [{ type: 'ORDER', id: 'ord_1', amount: 1000 }],
  });
  paymentId = paid.id;
  only(await till.capture({ paymentId }), 'CapturePaymentPayload');
  only(await till.refund({ paymentId, amount: 1 }), 'RefundPaymentPayload');
});

async function payersOf(scopes: ClientTokenScope[]) {
  return Promise.all([{ customerId }, { paymentId }].map((of) => Payer.of(gateway(), { ...of, scopes })));
}

test('the lists of this file name fields that exist', () => {
  const names = new Set<string>(rootFields.map(([name]) => name));
  expect(Object.keys(FOR_PAYERS).filter((name) => !names.has(name))).toEqual([]);
});

test.each(rootFields)('%s is closed to payers without its scope', async (name, type, field) => {
  const scopes = [['READ'], ['PAY'], ['READ', 'PAY']] satisfies ClientTokenScope[][];
  for (const given of scopes) {
    const scope = FOR_PAYERS[name];
    const isOpen = scope !== undefined && given.some((each) => each === scope);
    for (const payer of await payersOf(given)) {
      if (type.name === 'Subscription') {
        if (isOpen) continue;
        const document = leastDocument([name, type, field]) as unknown as TypedDocumentString<
          unknown,
          Record<string, never>
        >;
        await expect(subscribeOverEvents(gateway(), document, {}, payer.token).next()).rejects.toThrow('FORBIDDEN');
        continue;
      }
      const { errors, data } = await payer.request<Record<string, unknown>>(leastDocument([name, type, field]));
      const codes = errors?.map(({ extensions }) => extensions?.['code']) ?? [];
      if (isOpen) expect(codes).not.toContain('FORBIDDEN');
      else expect({ codes, data: data?.[field.name] ?? null }).toEqual({ codes: ['FORBIDDEN'], data: null });
    }
  }
});

test('payOrders is for payers only', async () => {
  const field = schema.getMutationType()?.getFields()['payOrders'];
  const mutation = schema.getMutationType();
  if (field === undefined || mutation == null) throw new Error('payOrders is gone');
  const { errors } = await gateway().request(leastDocument(['Mutation.payOrders', mutation, field]));
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
});

/** The object types that a type may be. */
function objectsOf(type: GraphQLNamedType): readonly GraphQLObjectType[] {
  if (isAbstractType(type)) return schema.getPossibleTypes(type);
  return isObjectType(type) ? [type] : [];
}

const fieldsOf = (type: GraphQLObjectType) =>
  Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, getNamedType(field.type)] as const);

/** Everything that can be come to from some types by fields that `follows` lets through. */
function closure(from: readonly GraphQLObjectType[], follows: (name: string) => boolean): Set<GraphQLObjectType> {
  const found = new Set(from);
  for (const type of found) {
    for (const [name, to] of fieldsOf(type)) if (follows(name)) for (const each of objectsOf(to)) found.add(each);
  }
  return found;
}

const isNode = (type: GraphQLObjectType): boolean => type.getInterfaces().some(({ name }) => name === 'Node');
const leadsToNodes = (type: GraphQLNamedType): boolean =>
  objectsOf(type).some((each) => [...closure([each], () => true)].some(isNode));
/** Of a page of a list: what stands before its rows. */
const isOfPage = ({ name }: GraphQLObjectType): boolean => /(Connection|Edge)$/.test(name);

test('what leads from payers’ data to rows is listed', () => {
  const isClosed = (name: string): boolean => LEADING[name] === 'merchant';
  const entered = rootFields.filter(([name]) => name in FOR_PAYERS);
  const start = entered
    .filter(([name]) => name !== 'Query.node' && name !== 'Query.nodes')
    .flatMap(([, , field]) => [...objectsOf(getNamedType(field.type))]);
  const seen = [...closure(start, (name) => !isClosed(name))].filter((type) => !isOfPage(type));
  const leading = seen.flatMap((type) => fieldsOf(type).flatMap(([name, to]) => (leadsToNodes(to) ? [name] : [])));
  expect(leading.toSorted()).toEqual(Object.keys(LEADING).toSorted());
});

/** The way to an object of each type, from a payer's own payment. */
const WAYS: Readonly<Record<string, string>> = {
  Attempt: 'payment(id: $id) { attempts { # } }',
  Capture: 'payment(id: $id) { captures { # } }',
  ClientToken: 'clientToken { # }',
  Customer: 'payment(id: $id) { customer { # } }',
  Payment: 'payment(id: $id) { # }',
  PaymentDestination: 'payment(id: $id) { destinations { # } }',
  PaymentEvent: 'payment(id: $id) { events { edges { node { # } } } }',
  PaymentEventPage: 'events { # }',
  PaymentMethod: 'payment(id: $id) { paymentMethod { # } }',
  PaymentPage: 'paymentPage { # }',
  Refund: 'payment(id: $id) { refunds { # } }',
};

/** What a mutation answers and what a subscription sends has tests of its own. */
const followed = Object.entries({ ...LEADING, ...WITHHELD }).filter(([name]) => !/Payload|Message/.test(name));

test.each(followed)('%s is followed by %s', async (name, who) => {
  const [type = '', field = ''] = name.split('.');
  const way = WAYS[type]?.replace('$id', JSON.stringify(paymentId)).replace('#', `${field} { __typename }`);
  const document = `{ ${way} }`;
  const [ofCustomer, ofPayment] = await payersOf(['READ', 'PAY']);
  const codesOf = async (payer: Payer | undefined) =>
    new Set((await payer?.request(document))?.errors?.map(({ extensions }) => extensions?.['code']));
  expect([...(await codesOf(ofCustomer))]).toEqual(who === 'merchant' ? ['FORBIDDEN'] : []);
  expect([...(await codesOf(ofPayment))]).toEqual(who !== 'payers' || type === 'Customer' ? ['FORBIDDEN'] : []);
  expect((await gateway().request(document)).errors).toBeUndefined();
});
