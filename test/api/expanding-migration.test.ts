import { Client } from 'pg';
import { expect, test } from 'vitest';
import { PaymentEventsDocument } from '../../generated/operations/graphql.ts';
import { only, useGateway, type TestGateway } from '../harness/gateway.ts';
import { subscribeOverWebSocket } from '../harness/subscription.ts';
import { Till } from '../harness/till.ts';

/** Replicas of two releases run at once during an upgrade, and the newer one's migration adds columns (docs/operations.md). */

const gateway = useGateway();
const till = new Till(gateway);

test('a replica goes on as it did while a newer one adds columns to its tables', async () => {
  const subscription = subscribeOverWebSocket(gateway(), PaymentEventsDocument, {});
  // Its beginning.
  await subscription.next();
  const first = await payAndRefund();
  await subscription.takeUntil(({ paymentEvents: { event } }) => event?.type === 'REFUND_SUCCEEDED');
  await expand(gateway());
  // More than the pool has connections: each of them has prepared statements of its own.
  const after = await Promise.all(Array.from({ length: 40 }, payAndRefund));
  for (const id of [first, ...after]) {
    expect(await till.read(id)).toMatchObject({
      amountCaptured: { amount: 3_000 },
      amountRefunded: { amount: 1_000 },
    });
  }
  const told = new Set<string>();
  while (told.size < after.length) {
    const { event } = (await subscription.next()).paymentEvents;
    if (event?.type === 'REFUND_SUCCEEDED') told.add(event.payment.id);
  }
  expect([...told].toSorted()).toEqual(after.toSorted());
});

async function payAndRefund(): Promise<string> {
  const { id } = await till.authorize();
  only(await till.capture({ paymentId: id, amount: 3_000 }), 'CapturePaymentPayload');
  only(await till.refund({ paymentId: id, amount: 1_000 }), 'RefundPaymentPayload');
  return id;
}

/** What one release may do to the tables of the one before: columns that may be null, or have a constant default. */
async function expand({ database }: TestGateway): Promise<void> {
  const client = new Client(database.connection);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      "SELECT quote_ident(relname) AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const { name } of rows) {
      await client.query(
        `ALTER TABLE ${name} ADD COLUMN added_later text, ADD COLUMN counted_later int NOT NULL DEFAULT 0`,
      );
    }
  } finally {
    await client.end();
  }
}
