import type { Operation, Payment } from '../../generated/prisma/client.ts';
import { unreachable } from '../domain/result.ts';
import type { CaptureRequest, MovementLookUpRequest, MovementOutcome, Processor } from '../processors/port.ts';
import { lockPayment, readClock, readOfPayment } from '../store/ledger.ts';
import type { Movement } from '../store/operations.ts';
import { transact } from '../store/transaction.ts';
import { write } from '../store/write.ts';
import { conclude, type Concluded } from './conclude.ts';
import type { Answer } from './take-effect.ts';
import { PaymentDraft } from './draft.ts';
import type { Gateway } from './gateway.ts';
import { tellRefusal } from './observer.ts';
import { completeOperation } from './operation-course.ts';
import { callProcessor, dispatched } from './operation.ts';

/** The second and third phase of a capture, void, refund or return that was written as dispatched. */
export async function dispatch(gateway: Gateway, movement: Movement, startedAtMs: number): Promise<Concluded> {
  const { operation } = movement;
  const outcome = await callProcessor(gateway, operation, startedAtMs, (processor, signal) =>
    ask(processor, requestOf(movement), signal),
  );
  return finish(gateway, operation, { of: 'MOVEMENT', outcome, askedAtMs: startedAtMs });
}

/**
 * Lets an answer take effect, and then does what it called for: an authorisation that nobody wants any more is voided,
 * for instance. Whatever is not done because this process ends is done by recovery.
 * @returns all as it then stands
 */
export async function finish(gateway: Gateway, operation: Operation, answer: Answer): Promise<Concluded> {
  const concluded = await conclude(gateway, operation, answer);
  tellRefusal(gateway, operation, answer, concluded);
  let { payment } = concluded;
  for (const next of concluded.planned) payment = (await dispatchPlanned(gateway, next)) ?? payment;
  return { ...concluded, payment };
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
  return movement && (await dispatch(gateway, movement, startedAtMs)).payment;
}

/** What a processor is asked for, whenever it is: to do it, or what became of it. */
export interface Asked extends CaptureRequest, Pick<MovementLookUpRequest, 'kind'> {}

/** What a movement asks of its processor. */
export function requestOf({ payment, operation, attempt, capture, refund }: Movement): Asked {
  const { processorTransactionId } = attempt;
  if (processorTransactionId === null) throw new Error(`a ${operation.kind} of a charge with no reference`);
  const request = (kind: Asked['kind'], amount: bigint, final = false): Asked => ({
    kind,
    merchant: payment.environmentId,
    key: operation.processorKey,
    chargeReference: processorTransactionId,
    amount,
    currency: payment.currency,
    final,
  });
  switch (operation.kind) {
    case 'CAPTURE':
      if (capture === undefined) throw new Error('a capture without its row');
      return request('CAPTURE', capture.amount, capture.final);
    case 'VOID':
      return request('VOID', held(payment));
    case 'REFUND':
      if (refund === undefined) throw new Error('a refund without its row');
      return request('REFUND', refund.amount);
    case 'RETURN':
      // The same call each time it is made, whatever became of the payment since.
      return request(payment.captureMethod === 'AUTOMATIC' ? 'REFUND' : 'VOID', attempt.amount);
    case 'CHARGE':
      throw new Error('a charge is never left for later: a new attempt is made instead');
    default:
      return unreachable(operation.kind);
  }
}

function ask(processor: Processor, { kind, ...request }: Asked, signal: AbortSignal): Promise<MovementOutcome> {
  switch (kind) {
    case 'CAPTURE':
      return processor.capture(request, signal);
    case 'VOID':
      return processor.void(request, signal);
    case 'REFUND':
      return processor.refund(request, signal);
    default:
      return unreachable(kind);
  }
}

/** What an authorisation still holds. */
function held(payment: Payment): bigint {
  return payment.amountAuthorized - payment.amountCaptured - payment.amountReleased;
}
