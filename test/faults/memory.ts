import type { PaymentFieldsFragment } from '../../generated/operations/graphql.ts';
import { decodeId } from '../../src/domain/ids.ts';

/** What clients asked for and were answered: the run's other books, which the gateway knows nothing of. */

export type Mutation = 'createPayment' | 'processPayment' | 'capturePayment' | 'cancelPayment' | 'refundPayment';

/** A payment as an answer showed it. Ids are those of the rows. */
export interface Snapshot {
  readonly paymentId: string;
  readonly sequence: number;
  readonly status: string;
  readonly refundStatus: string;
  readonly amountAuthorized: bigint;
  readonly amountCaptured: bigint;
  readonly amountRefunding: bigint;
  readonly amountRefunded: bigint;
  readonly attempts: readonly Seen[];
  readonly captures: readonly Seen[];
  readonly refunds: readonly Seen[];
}

interface Seen {
  readonly id: string;
  readonly status: string;
}

/** A definite answer to a request. */
export type Answer = {
  /** Monotonic times, in milliseconds. */
  readonly sentAt: number;
  readonly receivedAt: number;
} & (
  | {
      readonly accepted: true;
      readonly replayed: boolean;
      readonly snapshot: Snapshot;
      /** The capture or refund that the request made. */
      readonly movement: (Seen & { readonly amount: bigint }) | null;
    }
  | { readonly accepted: false; readonly code: string; readonly message: string }
);

/** One request under one key, however often it was sent. */
export interface Request {
  readonly mutation: Mutation;
  readonly key: string;
  /** Null for one that makes a payment. */
  readonly paymentId: string | null;
  /** Minor units; null for all that is left, and where the request has no amount. */
  readonly amount: bigint | null;
  sent: number;
  /** Sent with no answer: the gateway may still be at it, or may have done it. */
  lost: number;
  readonly answers: Answer[];
}

export class Memory {
  readonly requests: Request[] = [];
  /** What was read besides. */
  readonly reads: Snapshot[] = [];
  /** What no client should ever see, in words. */
  readonly complaints: string[] = [];
  readonly counts = { sent: 0, lost: 0, inProgress: 0, internalErrors: 0, twins: 0, resent: 0 };
}

/** What of a payment in an answer has to hold ever after. */
export function snapshotOf(payment: PaymentFieldsFragment): Snapshot {
  const seen = ({ id, status }: { id: string; status: string }): Seen => ({ id: rowId(id), status });
  return {
    paymentId: rowId(payment.id),
    sequence: payment.sequence,
    status: payment.status,
    refundStatus: payment.refundStatus,
    amountAuthorized: BigInt(payment.amountAuthorized.amount),
    amountCaptured: BigInt(payment.amountCaptured.amount),
    amountRefunding: BigInt(payment.amountRefundPending.amount),
    amountRefunded: BigInt(payment.amountRefunded.amount),
    attempts: payment.attempts.map(seen),
    captures: payment.captures.map(seen),
    refunds: payment.refunds.map(seen),
  };
}

/** The id of the row that a global id names. */
export function rowId(globalId: string): string {
  const decoded = decodeId(globalId);
  if (decoded === undefined) throw new Error(`${globalId} is no id`);
  return decoded.uuid;
}
