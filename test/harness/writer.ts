import { decodeId } from '../../src/domain/ids.ts';
import { PaymentDraft } from '../../src/payments/draft.ts';
import { lockPayment, readClock } from '../../src/store/ledger.ts';
import { transact } from '../../src/store/transaction.ts';
import { write } from '../../src/store/write.ts';
import type { TestGateway } from './gateway.ts';

export interface Writer {
  /** Lets the transaction that has begun lock the payment, append its event and commit. */
  append(): void;
  readonly committed: Promise<void>;
}

/** A transaction of the money path that has drawn its id and waits with the rest. */
export async function beginWriter(gateway: TestGateway, paymentId: string): Promise<Writer> {
  const { gateway: core } = gateway.app;
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const uuid = decodeId(paymentId)?.uuid ?? '';
  const environmentId = await environmentOf(gateway, uuid);
  const committed = transact(core.database, async (transaction) => {
    const clock = await readClock(transaction);
    begun.resolve();
    await go.promise;
    const payment = await lockPayment(transaction, environmentId, uuid);
    if (payment === undefined) throw new Error('there is no such payment');
    const draft = new PaymentDraft(core, { payment, isNew: false, clock, actor: 'test' });
    draft.recordStatus();
    await write(transaction, draft.writes());
    return { commit: true, value: undefined };
  });
  await begun.promise;
  return { append: () => go.resolve(), committed };
}

async function environmentOf({ app }: TestGateway, paymentUuid: string): Promise<string> {
  const { rows } = await app.gateway.database.pool.query<{ id: string }>(
    'SELECT environment_id AS id FROM payment WHERE id = $1',
    [paymentUuid],
  );
  return rows[0]?.id ?? '';
}
