import { unreachable } from './result.ts';

/** How a processor's account has answered of late: one that does not is left alone for a while. */
export type Circuit =
  | { readonly state: 'CLOSED'; /** In a row. */ readonly failures: number }
  | { readonly state: 'OPEN'; readonly failures: number; readonly openedAtMs: number }
  /** One call is let through to find out. */
  | {
      readonly state: 'HALF_OPEN';
      readonly failures: number;
      readonly openedAtMs: number;
      readonly probedAtMs: number;
    };

/** Failures in a row that open a circuit. Declines are answers, and no failures. */
export const FAILURES_TO_OPEN = 5;
/** How long nobody asks. */
export const OPEN_MS = 30_000;
/** After so long, a probe that was never heard of again counts for nothing: another is made. */
export const PROBE_MS = 30_000;

export const CLOSED: Circuit = { state: 'CLOSED', failures: 0 };

/** Whether a call may be made now. */
export function admits(circuit: Circuit, nowMs: number): boolean {
  switch (circuit.state) {
    case 'CLOSED':
      return true;
    case 'OPEN':
      return nowMs >= circuit.openedAtMs + OPEN_MS;
    case 'HALF_OPEN':
      return nowMs >= circuit.probedAtMs + PROBE_MS;
    default:
      return unreachable(circuit);
  }
}

/** A call that was admitted begins. */
export function begun(circuit: Circuit, nowMs: number): Circuit {
  if (circuit.state === 'CLOSED') return circuit;
  return { ...circuit, state: 'HALF_OPEN', probedAtMs: nowMs };
}

/** A call has ended: with an answer, or with none. */
export function ended(circuit: Circuit, isAnswered: boolean, nowMs: number): Circuit {
  if (isAnswered) return CLOSED;
  const failures = circuit.failures + 1;
  // What had begun before it opened says nothing new.
  if (circuit.state === 'OPEN') return circuit;
  if (circuit.state === 'CLOSED' && failures < FAILURES_TO_OPEN) return { state: 'CLOSED', failures };
  return { state: 'OPEN', failures, openedAtMs: nowMs };
}
