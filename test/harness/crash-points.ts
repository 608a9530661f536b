import type { OperationKind } from '../../generated/operations/graphql.ts';

/** A moment of an operation's three phases: at a commit, known by what it wrote of the operation, or at the call. */
type Moment =
  | { readonly commit: 'before' | 'after'; readonly wrote: 'PLANNED' | 'DISPATCHED' | 'an end' }
  | { readonly call: 'before' | 'after' };

/** Where a gateway can be stopped: every step of the protocol by which money is moved. */
export const CRASH_POINTS = {
  /** A conclusion has decided what is to be done next, and nothing of it is committed: neither the answer nor the plan. */
  plan_uncommitted: { commit: 'before', wrote: 'PLANNED' },
  /** It is committed that the operation is to be done, and nobody has begun it. */
  plan_committed: { commit: 'after', wrote: 'PLANNED' },
  /** Phase 1 has claimed the key and written everything, and is not committed: the client was never here. */
  begun_uncommitted: { commit: 'before', wrote: 'DISPATCHED' },
  /** Phase 1 is committed: the call counts as made, and was not. */
  begun: { commit: 'after', wrote: 'DISPATCHED' },
  /** The call has left, and the processor has not acted: it never will. */
  called: { call: 'before' },
  /** The processor has acted, and its answer has not arrived: the money is moved and nobody here knows. */
  acted: { call: 'after' },
  /** The answer is here, and phase 3 is written, but not committed: the gateway forgets it. */
  concluded_uncommitted: { commit: 'before', wrote: 'an end' },
  /** Phase 3 is committed, and the client was not answered. */
  concluded: { commit: 'after', wrote: 'an end' },
} as const satisfies Readonly<Record<string, Moment>>;

export type CrashPoint = keyof typeof CRASH_POINTS;

/** What a gateway in a process of its own is told to do from now on. */
export interface Orders {
  /** What becomes of calls that move money: they take effect, or are lost on the way, or are declined by nobody. */
  readonly calls?: 'pass' | 'lost' | 'declined';
  /** What inquiries find. */
  readonly lookUps?: 'pass' | 'not_found';
  readonly crash?: CrashOrder;
}

/** Where to end with SIGKILL. */
export interface CrashOrder {
  /** Every operation stops when it comes here: */
  readonly at: CrashPoint;
  /** the operation of this kind of each of these payments, by their UUIDs; of every other payment, its charge. */
  readonly kinds: Readonly<Record<string, OperationKind>>;
  /** When so many stand there at once, the process ends. */
  readonly count: number;
}
