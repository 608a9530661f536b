import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import {
  NodesDocument,
  PaymentDocument,
  PaymentPageDocument,
  PaymentsDocument,
  PaymentStatusChangedDocument,
  RelationsDocument,
  type ClientTokenScope,
  type PaymentFilter,
} from '../../generated/operations/graphql.ts';
import { only, useGateway } from '../harness/gateway.ts';
import { grant, Payer } from '../harness/payer.ts';
import { subscribeOverEvents, whyEnded } from '../harness/subscription.ts';
import { card, Till } from '../harness/till.ts';

/** Payers see and pay what is theirs; whatever else there is answers as if there were nothing. */

const gateway = useGateway();
const till = new Till(gateway);

/** A customer with three payments, of which one was captured and refunded. */
interface World {
  readonly customerId: string;
  readonly payments: readonly string[];
  /** Every node that there is of the first payment, by its type. */
  readonly nodes: Readonly<Record<string, string>>;
}

let mine: World;
let theirs: World;

async function makeWorld(email: string, at: Till): Promise<World> {
  const customerId = await at.customer({ email });
  const paymentMethodId = await at.storedCard(customerId);
  const destinations = [{ type: 'INVOICE' as const, id: `inv of ${email}`, amount: 4999 }];
  const { id } = await at.authorize({ customerId, paymentMethodId, destinations });
  only(await at.capture({ paymentId: id }), 'CapturePaymentPayload');
  only(await at.refund({ paymentId: id, amount: 700 }), 'RefundPaymentPayload');
  const declined = await at.payWith('4000000000000002', { customerId, currency: 'USD' });
  const waiting = await at.pay({ customerId, process: false, amount: 100 });
  const key = at === till ? gateway().keys.test : gateway().keys.other;
  const { payment } = await gateway().execute(RelationsDocument, { id }, { key });
  const nodes = {
    Attempt: payment?.attempts[0]?.id,
    Capture: payment?.captures[0]?.id,
    Customer: customerId,
    Payment: id,
    PaymentEvent: payment?.events.edges[0]?.node.id,
    PaymentMethod: paymentMethodId,
    Refund: payment?.refunds[0]?.id,
  };
  return { customerId, payments: [id, declined.id, waiting.id], nodes: nodes as World['nodes'] };
}

beforeAll(async () => {
  mine = await makeWorld('mine@example.com', till);
  theirs = await makeWorld('theirs@example.com', till);
});

const asCustomer = (scopes: ClientTokenScope[] = ['READ', 'PAY']) =>
  Payer.of(gateway(), { customerId: mine.customerId, scopes });
const asPayment = () => Payer.of(gateway(), { paymentId: mine.payments[0] ?? '' });

async function humanId(id: string): Promise<string> {
  const { data } = await gateway().request<{ payment: { humanId: string } }>(`{ payment(id: "${id}") { humanId } }`);
  return data?.payment.humanId ?? '';
}

async function listed(token: string, filter: PaymentFilter | null = null) {
  const { payments } = await gateway().execute(PaymentsDocument, { filter }, { key: token });
  const { paymentPage } = await gateway().execute(PaymentPageDocument, { filter }, { key: token });
  const ids = payments.edges.map(({ node }) => node.id).toSorted();
  expect(paymentPage.items.map(({ id }) => id).toSorted()).toEqual(ids);
  expect([payments.totalCount, paymentPage.totalCount]).toEqual([ids.length, ids.length]);
  return ids;
}

test('lists hold and count a payer’s own payments only, whatever the filter', async () => {
  const { token } = await asCustomer();
  const [paid = '', declined = '', waiting = ''] = mine.payments;
  const filters: [PaymentFilter | null, string[]][] = [
    [null, [...mine.payments]],
    [{ customerId: mine.customerId }, [...mine.payments]],
    [{ customerId: theirs.customerId }, []],
    [{ customerId: 'cus_nonsense' }, []],
    [{ status: ['FAILED'] }, [declined]],
    [{ refundStatus: ['PARTIALLY_REFUNDED'] }, [paid]],
    [{ currency: 'EUR' }, [paid, waiting]],
    [{ destination: { type: 'INVOICE', id: 'inv of mine@example.com' } }, [paid]],
    [{ destination: { type: 'INVOICE', id: 'inv of theirs@example.com' } }, []],
    [{ humanId: await humanId(waiting) }, [waiting]],
    [{ humanId: await humanId(theirs.payments[0] ?? '') }, []],
    [{ createdFrom: '2000-01-01T00:00:00Z', createdTo: '2100-01-01T00:00:00Z' }, [...mine.payments]],
  ];
  for (const [filter, ids] of filters) expect(await listed(token, filter)).toEqual(ids.toSorted());
  expect(await listed((await asPayment()).token)).toEqual([paid]);
  expect(await listed((await asPayment()).token, { customerId: mine.customerId })).toEqual([paid]);
});

test('a cursor of the merchant’s list leads a payer to nothing of others', async () => {
  const { token } = await asCustomer();
  const page = `{ payments(first: 100) { edges { cursor node { id } } } }`;
  const all = await gateway().request<{ payments: { edges: { cursor: string; node: { id: string } }[] } }>(page);
  for (const { cursor } of all.data?.payments.edges ?? []) {
    for (const side of ['first: 100, after', 'last: 100, before']) {
      const document = `{ payments(${side}: "${cursor}") { edges { node { id } } } }`;
      const { data } = await gateway().request<NonNullable<typeof all.data>>(document, {}, { key: token });
      for (const { node } of data?.payments.edges ?? []) expect(mine.payments).toContain(node.id);
    }
  }
});

test('node and nodes find a customer’s own rows of every type but operations', async () => {
  const { token: key } = await asCustomer();
  const types = Object.keys(mine.nodes);
  const ids = [...Object.values(mine.nodes), ...Object.values(theirs.nodes)];
  const operation = await till.operationOf(mine.payments[0] ?? '', 'CHARGE');
  const { nodes } = await gateway().execute(NodesDocument, { ids: [...ids, operation.id] }, { key });
  expect(nodes).toEqual([
    ...types.map((type) => ({ __typename: type, id: mine.nodes[type] })),
    ...types.map(() => null),
    null,
  ]);
  const asked = `{ node(id: "${operation.id}") { ... on Operation { processorKey } } }`;
  expect((await gateway().request(asked, {}, { key })).data).toEqual({ node: null });
});

test('a token of one payment finds what is of that payment, and neither the customer nor stored cards', async () => {
  const { token: key } = await asPayment();
  const types = Object.keys(mine.nodes);
  const { nodes } = await gateway().execute(NodesDocument, { ids: Object.values(mine.nodes) }, { key });
  const hidden = ['Customer', 'PaymentMethod'];
  expect(nodes).toEqual(
    types.map((type) => (hidden.includes(type) ? null : { __typename: type, id: mine.nodes[type] })),
  );
  for (const id of mine.payments.slice(1)) {
    expect((await gateway().execute(PaymentDocument, { id }, { key })).payment).toBeNull();
  }
});

test('another customer’s and another environment’s payment answer as one that does not exist', async () => {
  const elsewhere = await makeWorld('mine@example.com', new Till(gateway, 'other'));
  for (const payer of [await asCustomer(), await asPayment()]) {
    const answers: (readonly unknown[])[] = [];
    for (const id of [`pay_${randomUUID()}`, 'nonsense', theirs.payments[2] ?? '', elsewhere.payments[2] ?? '']) {
      const { payment } = await gateway().execute(PaymentDocument, { id }, { key: payer.token });
      const events = subscribeOverEvents(gateway(), PaymentStatusChangedDocument, { id }, payer.token);
      answers.push([
        payment,
        await payer.process({ paymentId: id, card: card() }),
        await payer.process({ paymentId: id, paymentMethodId: mine.nodes['PaymentMethod'] }),
        await payer.update({ paymentId: id, billingAddress: null }),
        await payer.update({ paymentId: id, paymentMethodId: mine.nodes['PaymentMethod'] }),
        await events.next().catch(whyEnded),
      ]);
    }
    expect(answers[0]?.slice(1, 5)).toMatchObject(Array.from({ length: 4 }, () => ({ code: 'NOT_FOUND' })));
    expect(answers).toEqual(answers.map(() => answers[0]));
  }
});

const updating = (field: string): string => `mutation ($input: UpdatePaymentInput!) {
  updatePayment(input: $input) { ... on UpdatePaymentPayload { payment { ${field} } } }
}`;

test('who may only pay reads no more of a payer than the payment that is paid', async () => {
  const payer = await asCustomer(['PAY']);
  const variables = { input: { paymentId: mine.payments[2] } };
  expect((await payer.request(updating('status hostedPaymentUrl'), variables)).errors).toBeUndefined();
  for (const field of ['customer { payments { totalCount } }', 'events { edges { node { customer { id } } } }']) {
    const { data, errors } = await payer.request(updating(field), variables);
    expect(errors?.map(({ extensions }) => extensions?.['code'])).toContain('FORBIDDEN');
    expect(JSON.stringify(data)).not.toMatch(/totalCount|cus_/);
  }
});

test('who may only read is told no address at which one can pay', async () => {
  const payer = await asCustomer(['READ']);
  const { data, errors } = await payer.request(`{ payment(id: "${mine.payments[2]}") { status hostedPaymentUrl } }`);
  expect(data).toEqual({ payment: { status: 'CREATED', hostedPaymentUrl: null } });
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
});

test('a payer whom the merchant lets changes when it is paid, too', async () => {
  const payer = await asCustomer(['READ', 'PAY', 'SCHEDULE']);
  const paymentMethodId = mine.nodes['PaymentMethod'] ?? null;
  const { id: paymentId } = await till.pay({ customerId: mine.customerId, paymentMethodId, process: false });
  const paymentDate = new Date(Date.now() + 3_600_000).toISOString();
  only(await payer.update({ paymentId, paymentDate, active: false }), 'UpdatePaymentPayload');
  expect(await till.read(paymentId)).toMatchObject({ status: 'SCHEDULED', active: false, paymentDate });
  const onlyThat = await asCustomer(['SCHEDULE']);
  await expect(onlyThat.update({ paymentId, paymentDate: null })).rejects.toThrow('FORBIDDEN');
});

test('a payer changes how a payment is paid, and not when', async () => {
  const payer = await asCustomer();
  const { id: paymentId } = await till.pay({ customerId: mine.customerId, process: false });
  const paymentMethodId = mine.nodes['PaymentMethod'] ?? '';
  only(await payer.update({ paymentId, paymentMethodId, billingAddress: { city: 'Berlin' } }), 'UpdatePaymentPayload');
  for (const [field, change] of [
    ['paymentDate', { paymentDate: new Date(Date.now() + 60_000).toISOString() }],
    ['paymentDate', { paymentDate: null }],
    ['active', { active: false }],
  ] as const) {
    expect(await payer.update({ paymentId, ...change })).toMatchObject({
      code: 'INVALID_INPUT',
      path: ['input', field],
    });
  }
  expect(await till.read(paymentId)).toMatchObject({ status: 'CREATED', active: true, paymentDate: null });
});

test('the same idempotency key is another request for another payer', async () => {
  const idempotencyKey = randomUUID();
  const orders = [`ord_${randomUUID()}`, `ord_${randomUUID()}`];
  const paid: string[] = [];
  for (const [index, { customerId }] of [mine, theirs].entries()) {
    const payer = await Payer.of(gateway(), { customerId, grants: [grant(orders[index] ?? '')] });
    const result = only(await payer.payOrders([orders[index] ?? ''], { idempotencyKey }), 'PayOrdersPayload');
    expect(result.replayed).toBe(false);
    paid.push(result.payment.id);
  }
  only(await till.create({ idempotencyKey }), 'CreatePaymentPayload');
  expect(new Set(paid).size).toBe(2);
});
