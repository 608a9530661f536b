import type { PaymentEvent } from '../../generated/prisma/client.ts';
import type { PaymentStatus } from '../../src/domain/lifecycle.ts';
import type { Discrepancy, PaymentFile } from './books.ts';

/** Which state may follow which. It is written down here once more, so that it does not change with the code. */
const STEPS: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  CREATED: ['SCHEDULED', 'PROCESSING', 'CANCELED', 'EXPIRED'],
  SCHEDULED: ['PROCESSING', 'CREATED', 'CANCELED', 'EXPIRED'],
  PROCESSING: ['REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'RETRY_SCHEDULED', 'FAILED', 'CANCELED'],
  REQUIRES_ACTION: ['PROCESSING', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'EXPIRED', 'CANCELED', 'FAILED'],
  AUTHORIZED: ['CAPTURED', 'SUCCEEDED', 'CANCELED', 'EXPIRED'],
  CAPTURED: ['SUCCEEDED', 'FAILED'],
  SUCCEEDED: [],
  // Out of these two also by the late success of an earlier attempt.
  RETRY_SCHEDULED: ['PROCESSING', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'CANCELED', 'FAILED'],
  FAILED: ['PROCESSING', 'AUTHORIZED', 'CAPTURED', 'SUCCEEDED', 'CANCELED', 'EXPIRED', 'RETRY_SCHEDULED'],
  CANCELED: [],
  EXPIRED: [],
};

const AMOUNTS = [
  'amountAuthorized',
  'amountCapturing',
  'amountCaptured',
  'amountReleased',
  'amountReversed',
  'amountRefunding',
  'amountRefunded',
] as const;

/** The amounts that events add up to: what was authorised and released is the current attempt's alone. */
type Totals = Record<
  'amountCapturing' | 'amountCaptured' | 'amountReversed' | 'amountRefunding' | 'amountRefunded',
  bigint
>;

/** Replays the log of every payment: each event follows from the one before, and the last one is the payment. */
export function checkEventLogs(files: readonly PaymentFile[]): Discrepancy[] {
  return files.flatMap((file) =>
    [...checkOrder(file), ...checkAmounts(file), ...checkEnd(file), ...checkMovementEvents(file)].map((text) => ({
      rule: 'the event log replays to the payment',
      paymentId: file.payment.id,
      text,
    })),
  );
}

function* checkOrder({ events }: PaymentFile): Generator<string> {
  let before: PaymentEvent | undefined;
  for (const [index, event] of events.entries()) {
    const name = `event ${event.sequence} (${event.type})`;
    if (event.sequence !== index + 1) yield `${name} stands at place ${index + 1}`;
    if (before === undefined) {
      if (event.type !== 'PAYMENT_CREATED') yield `${name} is the first`;
    } else {
      const isLegal = event.status === before.status || STEPS[before.status].includes(event.status);
      if (!isLegal) yield `${name} goes from ${before.status} to ${event.status}`;
      if (!comesAfter(event, before)) yield `${name} is ordered before the event that it follows`;
    }
    // PAYMENT_SUCCEEDED tells of SUCCEEDED; PAYMENT_CANCEL_REQUESTED of no state.
    const told = event.type.replace(/^PAYMENT_/, '');
    if (Object.hasOwn(STEPS, told) && told !== event.status) yield `${name} has the status ${event.status}`;
    before = event;
  }
}

function comesAfter(event: PaymentEvent, before: PaymentEvent): boolean {
  if (event.epoch !== before.epoch) return event.epoch > before.epoch;
  if (event.orderXid !== before.orderXid) return event.orderXid > before.orderXid;
  return event.position > before.position;
}

/** What each event adds to the amounts, by the row that it is about. */
function* checkAmounts(file: PaymentFile): Generator<string> {
  let totals: Totals = {
    amountCapturing: 0n,
    amountCaptured: 0n,
    amountReversed: 0n,
    amountRefunding: 0n,
    amountRefunded: 0n,
  };
  const asked = new Set<string>();
  for (const [index, event] of file.events.entries()) {
    totals = next(file, totals, event, asked);
    // Each event shows the payment as its transaction left it.
    if (isOfOneTransaction(event, file.events[index + 1])) continue;
    for (const [name, total] of Object.entries(totals) as [keyof Totals, bigint][]) {
      if (event[name] === total) continue;
      yield `event ${event.sequence} (${event.type}) has ${name} ${event[name]}, and the log comes to ${total}`;
      return;
    }
  }
}

function isOfOneTransaction(one: PaymentEvent, other: PaymentEvent | undefined): boolean {
  return one.orderXid === other?.orderXid && one.createdAt.getTime() === other.createdAt.getTime();
}

function next(file: PaymentFile, totals: Totals, event: PaymentEvent, asked: Set<string>): Totals {
  const { amountCapturing, amountCaptured, amountReversed, amountRefunding, amountRefunded } = totals;
  const captured = file.captures.find(({ id }) => id === event.captureId)?.amount ?? 0n;
  const refunded = file.refunds.find(({ id }) => id === event.refundId)?.amount ?? 0n;
  const isFirst = event.captureId !== null && !asked.has(event.captureId);
  if (event.captureId !== null) asked.add(event.captureId);
  switch (event.type) {
    case 'CAPTURE_PENDING':
      return { ...totals, amountCapturing: amountCapturing + captured };
    case 'CAPTURE_SUCCEEDED':
      return { ...totals, amountCapturing: amountCapturing - captured, amountCaptured: amountCaptured + captured };
    case 'CAPTURE_FAILED':
      return { ...totals, amountCapturing: amountCapturing - captured };
    case 'CAPTURE_REVERSED':
      return { ...totals, amountReversed: amountReversed + captured };
    // A charge that was captured at once: nobody asked for this capture by itself.
    case 'PAYMENT_SUCCEEDED':
      return isFirst ? { ...totals, amountCaptured: amountCaptured + captured } : totals;
    case 'PAYMENT_CAPTURED':
      return isFirst ? { ...totals, amountCapturing: amountCapturing + captured } : totals;
    case 'REFUND_PENDING':
      return { ...totals, amountRefunding: amountRefunding + refunded };
    case 'REFUND_SUCCEEDED':
      return { ...totals, amountRefunding: amountRefunding - refunded, amountRefunded: amountRefunded + refunded };
    case 'REFUND_FAILED': {
      const hadSucceeded = file.events.some(
        ({ type, refundId, sequence }) =>
          type === 'REFUND_SUCCEEDED' && refundId === event.refundId && sequence < event.sequence,
      );
      return hadSucceeded
        ? { ...totals, amountRefunded: amountRefunded - refunded }
        : { ...totals, amountRefunding: amountRefunding - refunded };
    }
    default:
      return totals;
  }
}

function* checkEnd({ payment, events }: PaymentFile): Generator<string> {
  const last = events.at(-1);
  if (last === undefined) {
    yield 'there are no events';
    return;
  }
  for (const name of ['sequence', 'status', 'refundStatus', 'amount', 'currency', ...AMOUNTS] as const) {
    if (payment[name] !== last[name])
      yield `the last event has ${name} ${last[name]}, and the payment ${payment[name]}`;
  }
}

/** Each capture and refund was begun once and has ended once; a refund may have come back after that. */
function* checkMovementEvents({ captures, refunds, operations, events }: PaymentFile): Generator<string> {
  const told = (type: PaymentEvent['type'], id: string): number =>
    events.filter((event) => event.type === type && (event.captureId === id || event.refundId === id)).length;
  for (const { id, status } of captures) {
    // One that came with its charge has no operation and no events of its own.
    const begun = operations.some(({ captureId }) => captureId === id) ? 1 : 0;
    const counts = String([told('CAPTURE_PENDING', id), told('CAPTURE_SUCCEEDED', id), told('CAPTURE_FAILED', id)]);
    const expected = String([begun, status === 'SUCCEEDED' ? begun : 0, status === 'FAILED' ? begun : 0]);
    if (counts !== expected) yield `capture ${id} (${status}) has ${counts} events, not ${expected}`;
  }
  for (const { id, status } of refunds) {
    const counts = String([told('REFUND_PENDING', id), told('REFUND_SUCCEEDED', id), told('REFUND_FAILED', id)]);
    const expected = status === 'FAILED' ? ['1,0,1', '1,1,1'] : [status === 'SUCCEEDED' ? '1,1,0' : '1,0,0'];
    if (!expected.includes(counts)) yield `refund ${id} (${status}) has ${counts} events, not ${expected[0]}`;
  }
}
