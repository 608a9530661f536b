import { unreachable } from '../../domain/result.ts';
import type { ChargeRequest } from '../port.ts';
import type { NewCharge, NewMovement } from './records.ts';
import type { Behavior } from './cards.ts';

/** How long things of the sandbox take, in milliseconds. */
export interface Durations {
  /** What comes later: a pending result, or a success that is taken back. */
  readonly delayMs: number;
  /** A payer's time for 3-D Secure. */
  readonly actionMs: number;
  /** How long an authorisation is held. */
  readonly authorizationMs: number;
}

/** How a charge begins, and what it becomes if nobody does anything. */
export type ChargeCourse = Pick<NewCharge, 'status' | 'next' | 'declineCode'>;

/** How a capture, void or refund begins, and what it becomes. */
export type MovementCourse = Pick<NewMovement, 'status' | 'next'>;

const SUCCEEDS: MovementCourse = { status: 'succeeded', next: null };

/** What comes of a charge of a card. */
export function courseOfCharge(
  behavior: Behavior,
  { captureNow, offSession, returnUrl }: Pick<ChargeRequest, 'captureNow' | 'offSession' | 'returnUrl'>,
  { delayMs, actionMs, authorizationMs }: Durations,
): ChargeCourse {
  const approvedFor = (inMs: number): ChargeCourse => ({
    status: 'approved',
    next: captureNow ? null : { status: 'expired', inMs },
    declineCode: null,
  });
  switch (behavior.kind) {
    case 'approve':
    case 'approve_with_refunds':
    case 'drop_connection':
      return approvedFor(authorizationMs);
    case 'hold_briefly':
      return approvedFor(delayMs);
    case 'approve_with_captures':
      return captureNow ? courseOfCapturedCharge(behavior, delayMs) : approvedFor(authorizationMs);
    case 'approve_later':
      return { status: 'pending', next: { status: 'approved', inMs: delayMs }, declineCode: null };
    case 'decline':
      return { status: 'declined', next: null, declineCode: behavior.code };
    case 'decline_later':
      return { status: 'pending', next: { status: 'declined', inMs: delayMs }, declineCode: behavior.code };
    case 'challenge':
      if (offSession) return { status: 'declined', next: null, declineCode: 'authentication_required' };
      if (returnUrl === null) return { status: 'declined', next: null, declineCode: 'return_url_missing' };
      return {
        status: 'action_required',
        next: { status: 'expired', inMs: behavior.brief ? delayMs : actionMs },
        declineCode: behavior.decline,
      };
    default:
      return unreachable(behavior);
  }
}

/** The same as of its captures, in a charge's terms: what fails at once is declined, what fails later is reversed. */
function courseOfCapturedCharge(
  { first, later }: Extract<Behavior, { kind: 'approve_with_captures' }>,
  inMs: number,
): ChargeCourse {
  switch (first) {
    case 'pending':
      return later === 'succeeded'
        ? { status: 'pending', next: { status: 'approved', inMs }, declineCode: null }
        : { status: 'pending', next: { status: 'declined', inMs }, declineCode: 'generic_decline' };
    case 'succeeded':
      return { status: 'approved', next: later === 'failed' ? { status: 'reversed', inMs } : null, declineCode: null };
    default:
      return unreachable(first);
  }
}

/** What comes of a capture of a charge; the behaviour is that of its card, if there is such a charge. */
export function courseOfCapture(behavior: Behavior | undefined, { delayMs }: Durations): MovementCourse {
  if (behavior?.kind !== 'approve_with_captures') return SUCCEEDS;
  return { status: behavior.first, next: { status: behavior.later, inMs: delayMs } };
}

/** What comes of a void: it always succeeds. */
export function courseOfVoid(): MovementCourse {
  return SUCCEEDS;
}

/** What comes of a refund of a charge. */
export function courseOfRefund(behavior: Behavior | undefined, { delayMs }: Durations): MovementCourse {
  if (behavior?.kind !== 'approve_with_refunds') return SUCCEEDS;
  return { status: behavior.first, next: { status: behavior.later, inMs: delayMs } };
}
