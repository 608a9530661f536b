import type { Operation, PaymentEvent } from '../../generated/prisma/client.ts';
import type { Facts } from '../facts.ts';
import type { Concluded } from './conclude.ts';
import type { Answer } from './take-effect.ts';
import type { Gateway } from './gateway.ts';

/**
 * Is told what becomes of payments, to count it. What it is told are names of the gateway's own, of which there are few: no
 * ids, and nothing that a client or a processor words. It never throws.
 */
export interface Observer {
  processorAnswered(answered: {
    readonly processor: string;
    readonly kind: ProcessorCall['kind'];
    /** Whether it was asked to do something, or what became of it. */
    readonly asked: 'CALL' | 'QUESTION';
    /** How the answer begins: "approved", "declined", "unknown". */
    readonly outcome: string;
    readonly durationMs: number;
  }): void;
  /** After the commit. */
  chargeDeclined(processor: string, declineCode: string): void;
  /**
   * When it is written. A transaction that PostgreSQL undoes and that is run again tells it twice.
   * @param processor of the attempt that it is about; "none" for what is about none
   */
  paymentChanged(type: PaymentEvent['type'], processor: string): void;
  webhookAttempted(outcome: 'delivered' | 'again' | 'exhausted'): void;
}

/** What a processor is asked about. */
export interface ProcessorCall {
  readonly id: string;
  readonly kind: Operation['kind'] | 'TOKENIZE';
  readonly paymentId?: string;
  readonly processor: string;
  readonly processorAccountId: string | null;
}

/** Runs a call to a processor as a span, and tells how it went. One whose outcome is not known has a line of its own. */
export async function observeCall<T extends { readonly kind: string }>(
  { telemetry, observer, report }: Pick<Gateway, 'telemetry' | 'observer' | 'report'>,
  call: ProcessorCall,
  asked: 'CALL' | 'QUESTION',
  work: () => Promise<T>,
): Promise<T> {
  const { processor, kind } = call;
  const facts = factsOf(call);
  const name = `${processor} ${asked === 'CALL' ? '' : 'look up '}${kind.toLowerCase()}`;
  return telemetry.span(name, 'client', facts, async (note) => {
    const beganAtMs = performance.now();
    const answer = await work();
    const durationMs = Math.round(performance.now() - beganAtMs);
    const outcome = answer.kind;
    note({ outcome, durationMs });
    observer.processorAnswered({ processor, kind, asked, outcome, durationMs });
    // A card that was not taken is asked for again; it moves no money.
    if (outcome === 'unknown' && asked === 'CALL' && kind !== 'TOKENIZE') {
      report('the outcome of a call to a processor is not known: recovery finds out', { ...facts, durationMs });
    }
    return answer;
  });
}

function factsOf({ id, kind, paymentId, processor, processorAccountId }: ProcessorCall): Facts {
  return {
    processor,
    kind,
    ...(kind !== 'TOKENIZE' && { operationId: id }),
    ...(paymentId !== undefined && { paymentId }),
    ...(processorAccountId !== null && { processorAccountId }),
  };
}

/** Answers after which a charge has not been made. */
const DECLINES: ReadonlySet<string> = new Set(['declined', 'misconfigured', 'not_executed', 'not_found', 'not_sent']);

/** Tells of an answer that has taken effect and was a refusal. */
export function tellRefusal(
  { note, observer }: Pick<Gateway, 'note' | 'observer'>,
  operation: Operation,
  { outcome }: Answer,
  { payment, changed }: Concluded,
): void {
  if (!changed) return;
  const { id: operationId, kind, attemptId, processor } = operation;
  const facts: Facts = { paymentId: payment.id, attemptId, operationId, kind, processor };
  if (outcome.kind === 'failed') return note('a processor refused to do it', { ...facts, code: outcome.code });
  const { declineCode, status } = payment;
  if (kind !== 'CHARGE' || declineCode === null || !DECLINES.has(outcome.kind)) return;
  observer.chargeDeclined(processor, declineCode);
  note('a charge was declined', { ...facts, declineCode, retryable: payment.declineRetryable, paymentStatus: status });
}
