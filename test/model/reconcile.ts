import type { Pool } from 'pg';
import { readBooks, type Ledgers, type Discrepancy } from '../faults/books.ts';
import { checkEventLogs } from '../faults/event-log.ts';
import { reconcile } from '../faults/reconcile.ts';

/**
 * Holds the gateway's rows of one environment against each other, against their events and against the sandbox's books.
 * It expects that nothing is under way.
 * @throws with what does not agree
 */
export async function expectAgreement(pool: Pool, environmentId: string): Promise<void> {
  const books = ofEnvironment(await readBooks(pool), environmentId);
  const found = [
    ...reconcile(books),
    ...checkEventLogs(books.payments),
    ...books.payments.flatMap((file) => [...checkOrder(file), ...checkEnds(file)]),
    ...checkKeys(books),
  ].filter((each) => !isForOperator(books, each) && !isTakenBack(books, each));
  if (found.length > 0) throw new Error(found.map(({ rule, text }) => `${rule}: ${text}`).join('\n'));
}

type File = Ledgers['payments'][number];

function ofEnvironment({ payments, charges, movements, keys }: Ledgers, environmentId: string): Ledgers {
  return {
    payments: payments.filter(({ payment }) => payment.environmentId === environmentId),
    charges: charges.filter(({ merchant }) => merchant === environmentId),
    movements: movements.filter(({ merchant }) => merchant === environmentId),
    keys: keys.filter((key) => key.environmentId === environmentId),
  };
}

/** A late charge was given back, and the bank sent the money here again: nobody but an operator can mend that. */
function isForOperator({ payments }: Ledgers, { paymentId }: Discrepancy): boolean {
  const file = payments.find(({ payment }) => payment.id === paymentId);
  return file?.operations.some(({ kind, status }) => kind === 'RETURN' && status === 'RAISED') ?? false;
}

/** What differs where the bank took money back: the sandbox forgets that it had captured it, the gateway does not. */
const TAKEN_BACK = [/ released \d+, and the charge /, /^capture .* is SUCCEEDED, and the sandbox has failed$/];

/** Everything else about it is compared: what was captured less what was taken back, and what is held still. */
function isTakenBack({ payments }: Ledgers, { paymentId, text }: Discrepancy): boolean {
  // Given back by us and then taken back by the bank, too: the gateway does not notice.
  if (/ was given back, and the charge \S+ \(reversed\)/.test(text)) return true;
  const file = payments.find(({ payment }) => payment.id === paymentId);
  return file !== undefined && file.reversals.length > 0 && TAKEN_BACK.some((pattern) => pattern.test(text));
}

function* checkOrder({ payment }: File): Generator<Discrepancy> {
  const { id, amount, amountAuthorized, amountCaptured, amountReleased, amountRefunded } = payment;
  const isInOrder =
    amountRefunded <= amountCaptured &&
    amountCaptured + amountReleased <= amountAuthorized &&
    amountAuthorized <= amount;
  if (isInOrder) return;
  const text = `${amountRefunded} of ${amountCaptured} of ${amountAuthorized} of ${amount}, ${amountReleased} released`;
  yield { rule: 'refunded is within captured, within authorised, within the amount', paymentId: id, text };
}

function* checkEnds({ payment, attempts, captures, refunds, operations }: File): Generator<Discrepancy> {
  const rows = [...attempts, ...captures, ...refunds, ...operations];
  for (const { id, status } of rows) {
    if (!['DISPATCHED', 'PLANNED', 'PENDING', 'UNKNOWN', 'RAISED'].includes(status)) continue;
    yield { rule: 'everything has an end', paymentId: payment.id, text: `${id} is ${status}` };
  }
}

/** A key made one thing: no two keys made the same, and nothing was made without one. */
function* checkKeys({ keys, payments }: Ledgers): Generator<Discrepancy> {
  const made = keys.filter(({ operation }) => operation !== 'cancelPayment' && operation !== 'processPayment');
  const resources = payments.flatMap(({ payment, captures, refunds, operations }) => [
    payment.id,
    // One that came with its charge was not asked for.
    ...captures.map(({ id }) => id).filter((id) => operations.some(({ captureId }) => captureId === id)),
    ...refunds.map(({ id }) => id),
  ]);
  const claimed = made.map(({ resourceId }) => resourceId);
  if (resources.toSorted().join() === claimed.toSorted().join()) return;
  yield {
    rule: 'a key has one effect',
    paymentId: null,
    text: `${claimed.join()} were asked for, not ${resources.join()}`,
  };
}
