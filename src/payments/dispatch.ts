import type { Attempt, Capture, Operation, Payment, Refund } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import type { MovementOutcome, MovementRequest, Processor } from '../processors/port.ts';
import { lockPayment, readClock, readOfPayment, write } from '../store/ledger.ts';
import { transact } from '../store/transaction.ts';
import { conclude, type Answer } from './conclude.ts';
import { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { completeOperation } from './operation-course.ts';
import { callProcessor, dispatched } from './operation.ts';

/** A capture, void, refund or return with the rows that say what is asked of the processor. */
export interface Movement {
  readonly payment: Payment;
  readonly operation: Operation;
  readonly attempt: Attempt;
  readonly capture?: Capture | undefined;
  readonly refund?: Refund | undefined;
}

/** The second and third phase of a capture, void, refund or return that was written as dispatched. */
export async function dispatch(gateway: Gateway, movement: Movement, startedAtMs: number): Promise<Payment> {
  const { operation } = movement;
  const processor = gateway.processors.named(operation.processor);
  const outcome = await callProcessor(gateway, operation, processor, startedAtMs, (signal) =>
    ask(processor, movement, signal),
  );
  return finish(gateway, operation, { of: 'MOVEMENT', outcome, askedAtMs: startedAtMs });
}

/**
 * Lets an answer take effect, and then does what it called for: an authorisation that nobody wants any more is voided,
 * for instance. Whatever is not done because this process ends is done by recovery.
 * @returns the payment as it then stands
 */
export async function finish(gateway: Gateway, operation: Operation, answer: Answer): Promise<Payment> {
  const concluded = await conclude(gateway, operation, answer);
  let { payment } = concluded;
  for (const next of concluded.planned) payment = (await dispatchPlanned(gateway, next)) ?? payment;
  return payment;
}

/**
 * Begins an operation that is certainly not under way: it becomes DISPATCHED in a transaction of its own, and is
 * called, under the key that it always had.
 * @returns the payment as it then stands; undefined where someone else has begun or ended it
 */
export async function dispatchPlanned(gateway: Gateway, planned: Operation): Promise<Payment | undefined> {
  const startedAtMs = performance.now();
  const movement = await transact<Movement | undefined>(gateway.database, async (transaction) => {
    const payment = await lockPayment(transaction, planned.environmentId, planned.paymentId);
    if (payment === undefined) throw new Error('an operation lost its payment');
    const operations = await readOfPayment(transaction, 'operation', payment);
    const found = operations.find(({ id }) => id === planned.id);
    if (found?.status !== 'PLANNED') return { commit: false, value: undefined };
    const attempts = await readOfPayment(transaction, 'attempt', payment);
    const attempt = attempts.find(({ id }) => id === found.attemptId);
    if (attempt === undefined) throw new Error('an operation lost its attempt');
    const clock = await readClock(transaction);
    const draft = new PaymentDraft(gateway, { payment, isNew: false, clock, actor: found.createdBy });
    if (found.kind === 'VOID' && !draft.isEnding) {
      // It has come to an end, or succeeded, in the meantime: a void now could take back what was captured.
      completeOperation(draft, found, null);
      await write(transaction, draft.writes());
      return { commit: true, value: undefined };
    }
    const operation = { ...found, ...dispatched(gateway, found.processor, clock.now) };
    draft.update('operation', operation);
    await write(transaction, draft.writes());
    const captures = operation.captureId === null ? [] : await readOfPayment(transaction, 'capture', payment);
    const refunds = operation.refundId === null ? [] : await readOfPayment(transaction, 'refund', payment);
    const capture = captures.find(({ id }) => id === operation.captureId);
    const refund = refunds.find(({ id }) => id === operation.refundId);
    return { commit: true, value: { payment, operation, attempt, capture, refund } };
  });
  return movement && dispatch(gateway, movement, startedAtMs);
}

function ask(processor: Processor, movement: Movement, signal: AbortSignal): Promise<MovementOutcome> {
  const { payment, operation, attempt, capture, refund } = movement;
  if (attempt.processorTransactionId === null) throw new Error(`a ${operation.kind} of a charge with no reference`);
  const request = (amount: bigint): MovementRequest => ({
    merchant: payment.environmentId,
    key: operation.processorKey,
    chargeReference: attempt.processorTransactionId ?? '',
    amount,
    currency: payment.currency,
  });
  switch (operation.kind) {
    case 'CAPTURE':
      if (capture === undefined) throw new Error('a capture without its row');
      return processor.capture({ ...request(capture.amount), final: capture.final }, signal);
    case 'VOID':
      return processor.void(request(held(payment)), signal);
    case 'REFUND':
      if (refund === undefined) throw new Error('a refund without its row');
      return processor.refund(request(refund.amount), signal);
    case 'RETURN':
      // The same call each time it is made, whatever became of the payment since.
      return payment.captureMethod === 'AUTOMATIC'
        ? processor.refund(request(attempt.amount), signal)
        : processor.void(request(attempt.amount), signal);
    case 'CHARGE':
      throw new Error('a charge is never left for later: a new attempt is made instead');
    default:
      return unreachable(operation.kind);
  }
}

/** What an authorisation still holds. */
function held(payment: Payment): bigint {
  return payment.amountAuthorized - payment.amountCaptured - payment.amountReleased;
}
