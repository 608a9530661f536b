import type { Operation } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import { addAuditEntry } from '../store/audit.ts';
import { findOperationById } from '../store/operations.ts';
import { lockPaymentWith } from '../store/ledger.ts';
import { begin, openPayment } from './begin.ts';
import { tablesOf, takeEffect, type Answer } from './take-effect.ts';
import { checkText } from './details.ts';
import { dispatchPlanned } from './dispatch.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

export interface ResolveOperationInput {
  readonly idempotencyKey: string;
  readonly operationId: string;
  readonly outcome: 'SUCCEEDED' | 'FAILED';
  /** The processor's own id of what it did: needed to capture, void or refund a charge later. */
  readonly processorReference: string | null;
  /** How it was found out. */
  readonly note: string;
}

export interface ResolveOperationResult {
  readonly operationId: string;
  readonly replayed: boolean;
}

/**
 * Settles an operation that no inquiry could settle, as an operator found out at the processor. What is said takes
 * effect as the processor's own answer would; who said it, and why, is kept.
 */
export async function resolveOperation(
  gateway: Gateway,
  caller: Caller,
  input: ResolveOperationInput,
): Promise<Result<ResolveOperationResult, Failure>> {
  const { idempotencyKey, ...rest } = input;
  const { operationId, note, processorReference } = input;
  if (note.trim() === '') return invalid('Say how it was found out.', 'note');
  for (const [field, text] of [
    ['note', note],
    ['processorReference', processorReference],
  ] as const) {
    const checked = checkText(text, [field]);
    if (!checked.ok) return checked;
  }
  const known = await findOperationById(gateway.database, caller.environmentId, operationId);
  if (known === undefined) return notFound('operation', 'operationId');
  const request = { operation: 'resolveOperation', key: idempotencyKey, input: () => rest };
  const { paymentId } = known;
  const resource = { resourceId: operationId, paymentId, operationId: null };
  const begun = await begin(gateway, caller, request, resource, {
    read: (transaction) => lockPaymentWith(transaction, caller.environmentId, paymentId, tablesOf(known)),
    decide: async (transaction, { clock }, { payment: locked, rows }) => {
      const opened = openPayment(gateway, caller, clock, locked);
      if (!opened.ok) return opened;
      const { draft, payment } = opened.value;
      const operation = rows.operation.find(({ id }) => id === operationId);
      if (operation === undefined) throw new Error('an operation is gone');
      const answer = answerOf(operation, input, payment.captureMethod === 'AUTOMATIC');
      if (!answer.ok) return answer;
      if (!(await takeEffect(gateway, transaction, { draft, rows }, operation, answer.value))) {
        throw new Error('what was raised was not open');
      }
      draft.insert('operationResolution', {
        environmentId: caller.environmentId,
        id: gateway.newId(),
        operationId,
        outcome: input.outcome,
        reference: processorReference,
        note,
        createdAt: clock.now,
        createdBy: caller.actor,
      });
      await addAuditEntry(transaction, caller, {
        act: 'OPERATION_RESOLVED',
        subject: encodeId('Operation', operationId),
        before: { status: operation.status },
        after: { outcome: input.outcome, payment: encodeId('Payment', paymentId) },
      });
      return ok({ draft, value: draft.planned });
    },
  });
  if (!begun.ok) return begun;
  if (begun.value.replayed) return ok({ operationId, replayed: true });
  for (const planned of begun.value.value) await dispatchPlanned(gateway, planned);
  return ok({ operationId, replayed: false });
}

/** What the operator says, as the processor would have said it. */
function answerOf(
  operation: Operation,
  { outcome, processorReference }: ResolveOperationInput,
  captured: boolean,
): Result<Answer, Failure> {
  if (operation.status !== 'RAISED') {
    return invalid(
      `Only an operation that was raised can be resolved: this one is ${operation.status}.`,
      'operationId',
    );
  }
  const askedAtMs = performance.now();
  const reference = processorReference ?? operation.processorReference;
  if (operation.kind === 'RETURN' && outcome === 'FAILED') {
    return invalid('The money has to go back: see to it at the processor, then say that it has.', 'outcome');
  }
  if (outcome === 'SUCCEEDED') {
    // A void, or a return of what had lapsed, may have left nothing with an id of its own at the processor.
    const isNamed = reference !== null || operation.kind === 'VOID' || operation.kind === 'RETURN';
    if (!isNamed) return invalid("Give the processor's own id of it.", 'processorReference');
    return ok(
      operation.kind === 'CHARGE'
        ? {
            of: 'CHARGE',
            askedAtMs,
            outcome: {
              kind: 'approved',
              reference: reference ?? '',
              networkTransactionId: null,
              captured,
              expiresAt: null,
              settledAt: null,
            },
          }
        : {
            of: 'MOVEMENT',
            askedAtMs,
            outcome: { kind: 'succeeded', reference: reference ?? operation.id, settledAt: null },
          },
    );
  }
  return ok(
    operation.kind === 'CHARGE'
      ? { of: 'CHARGE', askedAtMs, outcome: { kind: 'not_executed' } }
      : {
          of: 'MOVEMENT',
          askedAtMs,
          outcome: {
            kind: 'failed',
            reference: null,
            code: 'resolved_as_failed',
            message: 'An operator found that it failed.',
          },
        },
  );
}
