import {
  ReconcileDayDocument,
  ReconciliationsDocument,
  RevokeClientTokensDocument,
  RoutingDocument,
  SetRoutingDocument,
} from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { expireKeys } from '../../src/due/keys.ts';
import { forgetNotifications } from '../../src/due/processor-notifications.ts';
import { forgetDeliveries } from '../../src/due/webhooks.ts';
import { planDay } from '../../src/payments/reconcile-day.ts';
import { addAccount } from '../../src/store/access.ts';
import { removePersonalData } from '../../src/store/erasure.ts';
import { readReversedCaptureIds } from '../../src/store/ledger.ts';
import { readVitalSigns } from '../../src/store/vital-signs.ts';
import { readDestinations } from '../../src/store/open-orders.ts';
import { countSealedOtherwise } from '../../src/store/processor-accounts.ts';
import { postponeNotification } from '../../src/store/processor-notifications.ts';
import { transact } from '../../src/store/transaction.ts';
import { Backstage } from './backstage.ts';
import { only, type TestGateway } from './gateway.ts';
import type { Tenant } from './tenant.ts';
import { card, Till } from './till.ts';
import { until } from './until.ts';

/** What a gateway does beside what a tenant has asked of it: its rounds, and what follows from rarer states. */
export async function doTheRest(testGateway: TestGateway, { key, environmentId, ...tenant }: Tenant): Promise<void> {
  const { gateway } = testGateway.app;
  const till = new Till(() => testGateway);
  await useSandbox(testGateway, key, till);
  const inline = { customer: { email: 'inline@example.com' } };
  const { payment } = only(await till.create(inline), 'CreatePaymentPayload');
  only(await till.cancel({ paymentId: payment.id }), 'CancelPaymentPayload');
  const id = decodeIdOf('Payment', tenant.ids.get('Payment')?.[0] ?? '') ?? '';
  await transact(gateway.database, async (transaction) => {
    await readReversedCaptureIds(transaction, { environmentId, id, amountReversed: 1n });
    await readDestinations(transaction, { environmentId, id });
    const customer = decodeIdOf('Customer', tenant.ids.get('Customer')?.[0] ?? '') ?? '';
    await removePersonalData(transaction, { environmentId, id: customer }, 'nobody');
    return { commit: false, value: undefined };
  });
  await postponeNotification(gateway.database, { environmentId, id }, 1);
  await countSealedOtherwise(gateway.database, ['none']);
  await addAccount(gateway.database, { name: 'One more', newId: gateway.newId });
  await readVitalSigns(gateway.database.pool, { epoch: gateway.epoch, orderXid: 0n, position: 0n });
  await planDay(gateway, '2026-01-03');
  await expireKeys(gateway);
  await forgetNotifications(gateway);
  await forgetDeliveries(gateway);
  await testGateway.execute(RevokeClientTokensDocument, { input: {} }, { key });
}

/** The walk has led cards to an account outside: the sandbox gets them again, and does all that it can. */
async function useSandbox(testGateway: TestGateway, key: string, till: Till): Promise<void> {
  const { routing } = await testGateway.execute(RoutingDocument, {}, { key });
  await testGateway.execute(
    SetRoutingDocument,
    { input: { version: routing.version, rules: [{ name: 'sandbox', targets: [{}] }] } },
    { key },
  );
  await till.setRetrySchedule(3_600);
  await till.payWith('4000000000000119');
  const { id, nextAction } = await till.payWith('4000000000003220');
  if (nextAction === null) throw new Error('3-D Secure was not asked for');
  await (await fetch(nextAction.redirectUrl)).text();
  const { id: held } = await till.authorize({ card: card() });
  only(await till.capture({ paymentId: held }), 'CapturePaymentPayload');
  only(await till.refund({ paymentId: held, amount: 1 }), 'RefundPaymentPayload');
  const backstage = new Backstage(() => testGateway);
  for (const kind of ['CAPTURE', 'REFUND'] as const) await backstage.notify(held, kind);
  await backstage.notify(id, 'CHARGE');
  const day = new Date().toISOString().slice(0, 10);
  await testGateway.execute(ReconcileDayDocument, { input: { day } }, { key });
  await until(async () => {
    const { reconciliations } = await testGateway.execute(ReconciliationsDocument, { first: 100 }, { key });
    return reconciliations.edges.every(({ node }) => node.status === 'COMPLETED');
  });
}
