import { randomUUID } from 'node:crypto';
import {
  ReconcileDayDocument,
  SetRoutingDocument,
  type CreatePaymentInput,
} from '../../generated/operations/graphql.ts';
import { ID_PREFIXES, encodeId, type IdType } from '../../src/domain/ids.ts';
import { Backstage } from './backstage.ts';
import type { FarProcessor } from './far-processor.ts';
import { only, type TestGateway } from './gateway.ts';
import { Hooks } from './hooks.ts';
import { KeyRing } from './key-ring.ts';
import { MerchantAccounts, notify } from './merchant-accounts.ts';
import { grant, makeToken, Payer } from './payer.ts';
import { lost } from './stand-ins.ts';
import { until } from './until.ts';
import type { Till } from './till.ts';

type Key = keyof TestGateway['keys'];

/** The mutations under whose keys a tenant has done something. */
const KEYED = ['create', 'process', 'capture', 'cancel', 'refund', 'resolve', 'payOrders'] as const;
type Keyed = (typeof KEYED)[number];

/** An environment in which there is one of everything: what others must not come to, or what its own key finds. */
export class Tenant {
  readonly name: Key;
  readonly key: string;
  readonly environmentId: string;
  readonly email: string;
  /** The merchant's own id of what was paid for. */
  readonly order: string;
  /** The ids of its rows by their type, the oldest first. */
  readonly ids: ReadonlyMap<IdType, readonly string[]>;
  readonly humanId: string;
  /** The key that it does everything with. */
  readonly actor: string;
  /** Of its customer, who may pay the orders "x" and "y". */
  readonly payerToken: string;

  private constructor(of: Omit<Tenant, 'idempotencyKey' | 'id' | 'uuids'>) {
    ({ name: this.name, key: this.key, environmentId: this.environmentId, email: this.email } = of);
    ({ order: this.order, ids: this.ids, humanId: this.humanId, payerToken: this.payerToken, actor: this.actor } = of);
  }

  /** The idempotency key that it has used for a mutation. */
  static keyOf(name: Key, mutation: Keyed): string {
    return `${mutation}-of-${name}`;
  }

  /** The oldest id of a type. */
  id(type: IdType): string {
    const [id] = this.ids.get(type) ?? [];
    if (id === undefined) throw new Error(`${this.name} has no ${type}`);
    return id;
  }

  /** Every UUID that names something of its own. */
  get uuids(): string[] {
    return [...this.ids.values()].flat().map((id) => id.slice(id.indexOf('_') + 1));
  }

  /** Fills an environment. @param url where its webhooks go, which answers them */
  static async settle(gateway: TestGateway, far: FarProcessor, name: Key, url: string): Promise<Tenant> {
    const key = gateway.keys[name];
    const merchant = new MerchantAccounts(() => gateway, name);
    const { till } = merchant;
    const mode = name === 'live' ? 'live' : 'test';
    // One that can be rolled and revoked, and the tenant goes on.
    await new KeyRing(
      () => gateway,
      () => key,
    ).make('READ');
    const account = await merchant.open({ secretKey: `sk_${mode}_${name}_00001234`, name, rawCards: true });
    only(await new Hooks(() => gateway, name).create({ url }), 'CreateWebhookEndpointPayload');
    const email = `${name}@example.com`;
    const order = `ord_of_${name}`;
    const customerId = await till.customer({ email, firstName: 'Jenny', lastName: name });
    const paymentMethodId = await merchant.token(account.id, undefined, customerId);
    const { id: paymentId } = await pay(till, name, { customerId, paymentMethodId, order });
    const humanId = await humanIdOf(gateway, key, paymentId);
    await resolveOne(gateway, far, { till, name, paymentMethodId });
    const grants = ['x', 'y', order].map((id) => grant(id));
    const payerToken = await makeToken(gateway, { customerId, grants, scopes: ['READ', 'PAY'] }, key);
    const payer = new Payer(gateway, payerToken);
    await payer.paid([order], { idempotencyKey: Tenant.keyOf(name, 'payOrders'), paymentMethodId });
    await notify(account, far.notification([far.book(name).charges[0]?.reference ?? '']));
    const rules = [{ name: 'all', targets: [{ processorAccountId: account.id }] }];
    await gateway.execute(SetRoutingDocument, { input: { version: 0, rules } }, { key });
    await gateway.execute(
      ReconcileDayDocument,
      { input: { day: '2026-01-01', processorAccountId: account.id } },
      { key },
    );
    await restOf(gateway, key);
    const { environmentId, ids } = await idsOf(gateway, key);
    const actor = ids.get('ApiKey')?.at(-1) ?? '';
    return new Tenant({ name, key, environmentId, email, order, ids, humanId, payerToken, actor });
  }
}

interface Means {
  readonly customerId: string;
  readonly paymentMethodId: string;
  readonly order: string;
}

/** Payments in several states: the first has something of everything that a payment can have. */
async function pay(till: Till, name: Key, { customerId, paymentMethodId, order }: Means) {
  const keyOf = (mutation: Keyed) => ({ idempotencyKey: Tenant.keyOf(name, mutation) });
  const whole: Partial<CreatePaymentInput> = {
    customerId,
    paymentMethodId,
    amount: 1000,
    description: `for ${name}`,
    metadata: { of: name },
    destinations: [{ type: 'ORDER', id: `${order}_1`, amount: 1000 }],
  };
  const first = await till.authorize({ ...whole, ...keyOf('create') });
  only(await till.capture({ paymentId: first.id, ...keyOf('capture') }), 'CapturePaymentPayload');
  only(await till.refund({ paymentId: first.id, amount: 10, ...keyOf('refund') }), 'RefundPaymentPayload');
  const held = await till.authorize({ paymentMethodId, amount: 1000 });
  only(await till.cancel({ paymentId: held.id, ...keyOf('cancel') }), 'CancelPaymentPayload');
  const open = only(await till.create({ customerId, amount: 1000 }), 'CreatePaymentPayload').payment;
  only(await till.process({ paymentId: open.id, paymentMethodId, ...keyOf('process') }), 'ProcessPaymentPayload');
  return first;
}

async function humanIdOf(gateway: TestGateway, key: string, id: string): Promise<string> {
  const document = 'query ($id: ID!) { payment(id: $id) { humanId } }';
  const { data } = await gateway.request<{ payment: { humanId: string } }>(document, { id }, { key });
  return data?.payment.humanId ?? '';
}

/** An operation of which nobody could find out anything, until somebody said what it was. */
async function resolveOne(
  gateway: TestGateway,
  far: FarProcessor,
  { till, name, paymentMethodId }: { readonly till: Till; readonly name: Key; readonly paymentMethodId: string },
): Promise<void> {
  far.calls.use({ charge: lost, lookUpCharge: lost });
  const { id } = await till.pay({ paymentMethodId });
  await new Backstage(() => gateway).letTimePass(id, 25);
  far.calls.use({});
  const operation = await till.operationOf(id, 'CHARGE');
  const said = { operationId: operation.id, outcome: 'FAILED', note: 'as their support wrote' } as const;
  const resolved = await till.resolve({ ...said, idempotencyKey: Tenant.keyOf(name, 'resolve') });
  only(resolved, 'ResolveOperationPayload');
}

/** Waits until nothing is under way any more that would change a row by itself. */
async function restOf(gateway: TestGateway, key: string): Promise<void> {
  const hooks = new Hooks(() => ({ ...gateway, keys: { test: key, live: key, other: key } }));
  await until(async () => (await hooks.deliveries({})).every(({ status }) => status === 'SUCCEEDED'));
  await until(async () => {
    const { rows } = await gateway.app.gateway.database.pool.query(
      `SELECT FROM reconciliation WHERE status IN ('WAITING', 'RUNNING')
       UNION ALL SELECT FROM processor_notification WHERE next_at IS NOT NULL`,
    );
    return rows.length === 0;
  });
}

async function idsOf(gateway: TestGateway, key: string) {
  const { pool } = gateway.app.gateway.database;
  const answer = await gateway.request<{ viewer: { keyId: string } }>('{ viewer { keyId } }', {}, { key });
  const keyId = answer.data?.viewer.keyId.slice('key_'.length);
  const { rows } = await pool.query<{ environmentId: string; accountId: string }>(
    `SELECT environment_id AS "environmentId", account_id AS "accountId"
     FROM api_key JOIN environment ON environment.id = environment_id WHERE api_key.id = $1`,
    [keyId],
  );
  const [owner] = rows;
  if (owner === undefined) throw new Error('a key of nobody');
  const { environmentId, accountId } = owner;
  const ids = new Map<IdType, readonly string[]>();
  for (const type of Object.keys(ID_PREFIXES) as IdType[]) {
    const uuids = await uuidsOf(type);
    ids.set(
      type,
      uuids.map((uuid) => encodeId(type, uuid)),
    );
  }
  return { environmentId, ids };

  async function uuidsOf(type: IdType): Promise<string[]> {
    if (type === 'Account') return [accountId];
    if (type === 'Environment') return [environmentId];
    // Client tokens are no rows: nothing finds one by its id.
    if (type === 'ClientToken') return [randomUUID()];
    const table = type.replaceAll(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
    const found = await pool.query<{ id: string }>(`SELECT id FROM ${table} WHERE environment_id = $1 ORDER BY id`, [
      environmentId,
    ]);
    // The key that is asked with comes last.
    return found.rows.map(({ id }) => id).toSorted((one, other) => Number(one === keyId) - Number(other === keyId));
  }
}
