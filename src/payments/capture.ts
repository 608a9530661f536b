import type { Capture, Payment } from '../../generated/prisma/client.ts';
import { capturable } from '../domain/lifecycle.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { lockPaymentWith } from '../store/ledger.ts';
import { begin, openPayment } from './begin.ts';
import { amountFieldOf, checkAmountOf } from './details.ts';
import { dispatch } from './dispatch.ts';
import type { PaymentDraft } from './draft.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import { illegalState, refusedAmount } from './illegal.ts';
import { currentAttempt } from './current-attempt.ts';
import { planOperation } from './operation.ts';
import { lifecycleOf } from './stored-lifecycle.ts';

export interface CapturePaymentInput {
  readonly idempotencyKey: string;
  readonly paymentId: string;
  /** Minor units; all that is left if null. */
  readonly amount: bigint | { readonly decimal: string } | null;
  /** What this capture leaves is released. */
  readonly final: boolean;
}

export interface CaptureResult {
  readonly payment: Payment;
  readonly captureId: string;
  /** Undefined where it has to be read. */
  readonly capture?: Capture | undefined;
  readonly replayed: boolean;
}

/** Captures of one payment: every line of an order that ships by itself. */
const CAPTURES_MAX = 100;

/** Takes an authorised amount, or a part of it. */
export async function capturePayment(
  gateway: Gateway,
  caller: Caller,
  input: CapturePaymentInput,
): Promise<Result<CaptureResult, Failure>> {
  const { paymentId } = input;
  const { idempotencyKey, ...rest } = input;
  const request = { operation: 'capturePayment', key: idempotencyKey, input: () => rest };
  const captureId = gateway.newId();
  const operationId = gateway.newId();
  const resource = { resourceId: captureId, paymentId, operationId };
  const begun = await begin(gateway, caller, request, resource, {
    read: (transaction) => lockPaymentWith(transaction, caller.environmentId, paymentId, ['attempt', 'capture']),
    decide: (_, { clock, origin }, { payment: locked, rows }) => {
      const opened = openPayment(gateway, caller, clock, locked);
      if (!opened.ok) return opened;
      const { draft, payment } = opened.value;
      const given = input.amount === null ? ok(capturable(lifecycleOf(payment))) : checkAmountOf(input.amount, payment);
      if (!given.ok) return given;
      const amount = given.value;
      const refused = draft.try({ type: 'CAPTURE_STARTED', amount });
      if (refused !== undefined) {
        const field = amountFieldOf(input.amount);
        const terms = { done: 'captured', limit: 'CAPTURABLE', maximum: capturable, field } as const;
        return fail(refusedAmount(payment, refused, terms));
      }
      const attempt = currentAttempt(payment, rows.attempt);
      if (attempt?.processorTransactionId == null) return fail(illegalState(payment, 'captured', 'paymentId'));
      if (rows.capture.length >= CAPTURES_MAX)
        return invalid(`A payment has at most ${CAPTURES_MAX} captures.`, 'paymentId');
      const processor = gateway.processors.traits(attempt.processor);
      const final = input.final || !processor.severalCaptures;
      const capture = newCapture(draft, { id: captureId, attemptId: attempt.id, amount, final });
      draft.insert('capture', capture);
      const operation = planOperation(gateway, draft, {
        id: operationId,
        kind: 'CAPTURE',
        attempt,
        captureId,
        origin,
        status: 'DISPATCHED',
      });
      draft.record('CAPTURE_PENDING', { attemptId: attempt.id, captureId });
      return ok({ draft, value: { payment, operation, attempt, capture } });
    },
  });
  if (!begun.ok) return begun;
  if (begun.value.replayed) {
    return ok({ payment: begun.value.payment, captureId: begun.value.resourceId, replayed: true });
  }
  const { payment, capture } = await dispatch(gateway, begun.value.value, begun.value.startedAtMs);
  return ok({ payment, captureId, capture, replayed: false });
}

function newCapture(draft: PaymentDraft, of: Pick<Capture, 'id' | 'attemptId' | 'amount' | 'final'>): Capture {
  const { payment, now, actor } = draft;
  return {
    environmentId: payment.environmentId,
    paymentId: payment.id,
    currency: payment.currency,
    status: 'PENDING',
    ...of,
    amountRefundHeld: 0n,
    processorReference: null,
    failureCode: null,
    failureMessage: null,
    settledAt: null,
    createdAt: now,
    updatedAt: now,
    createdBy: actor,
    updatedBy: actor,
  };
}
