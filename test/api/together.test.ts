import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { useGateway } from '../harness/gateway.ts';
import { recordStatements } from '../harness/statements.ts';
import { card, Till } from '../harness/till.ts';

const AT_ONCE = 24;
const TOLD = ['PAYMENT_CREATED', 'PAYMENT_PROCESSING', 'PAYMENT_SUCCEEDED', 'REFUND_PENDING', 'REFUND_SUCCEEDED'];

const gateway = useGateway();
const till = new Till(gateway);
let statements: string[];

beforeAll(() => {
  statements = recordStatements(gateway().app.gateway.database);
});

function written(table: string): number {
  return statements.filter((text) => text.includes(`insert_${table} AS`)).length;
}

function times<T>(make: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, (_, index) => make(index)));
}

test('payments that arrive together are written together: phase 1, phase 3, and their refunds', async () => {
  statements.length = 0;
  const payments = await times(() => till.pay());
  expect(payments.map(({ status }) => status)).toEqual(payments.map(() => 'SUCCEEDED'));
  expect(written('payment')).toBeLessThan(AT_ONCE);
  expect(written('capture')).toBeLessThan(AT_ONCE);
  const refunds = await times((index) => till.refund({ paymentId: payments[index]?.id ?? '', amount: 100 }));
  expect(refunds.map((each) => each.__typename)).toEqual(refunds.map(() => 'RefundPaymentPayload'));
  expect(written('refund')).toBeLessThan(AT_ONCE);
  const events = await Promise.all(payments.map(({ id }) => till.eventTypes(id)));
  for (const types of events) expect(types).toEqual(TOLD);
  expect(gateway().logged.filter(({ msg }) => String(msg).includes('together'))).toEqual([]);
});

test('among them each has its own answer, and what is refused leaves its key free', async () => {
  const nobody = `cus_${randomUUID()}`;
  const idempotencyKey = randomUUID();
  const results = await times((index) => {
    switch (index % 4) {
      case 0:
        return till.create({ process: true, card: card() });
      case 1:
        return till.create({ process: true, card: card('4000000000000002') });
      case 2:
        return till.create({ process: true, card: card(), customerId: nobody });
      default:
        return till.create({ process: true, card: card(), idempotencyKey, amount: 1000 });
    }
  });
  const statuses = results.map((result) =>
    result.__typename === 'CreatePaymentPayload' ? result.payment.status : result.__typename,
  );
  for (const [index, status] of statuses.entries()) {
    const expected = [
      ['SUCCEEDED'],
      ['FAILED'],
      ['NotFoundError'],
      ['SUCCEEDED', 'PROCESSING', 'IdempotencyInProgressError'],
    ];
    expect(expected[index % 4]).toContain(status);
  }
  const { rows } = await gateway().app.gateway.database.pool.query<{ keys: number; payments: number }>(
    `SELECT (SELECT count(*)::int FROM idempotency_key WHERE operation = 'createPayment') AS keys,
            (SELECT count(*)::int FROM payment) AS payments`,
  );
  expect(rows[0]?.keys).toBe(rows[0]?.payments);
});

test('refunds of one payment at the same time never give back more than it has', async () => {
  const { id } = await till.pay({ amount: 1000 });
  const refunds = await times(() => till.refund({ paymentId: id, amount: 300 }));
  expect(refunds.filter((each) => each.__typename === 'RefundPaymentPayload')).toHaveLength(3);
});
