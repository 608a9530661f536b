import { decline, parseDeclineCode } from '../../domain/decline.ts';
import { unreachable } from '../../domain/result.ts';
import type { ChargeOutcome, MovementOutcome } from '../port.ts';
import type { Charge, Movement, MovementKind } from './records.ts';

/**
 * A charge in the port's terms.
 * @param challengeUrl where the payer of a charge goes for 3-D Secure
 */
export function chargeOutcome(charge: Charge, challengeUrl: (chargeId: string) => string): ChargeOutcome {
  const { id: reference, networkTransactionId, captureNow, expiresAt, settledAt } = charge;
  switch (charge.status) {
    case 'approved':
      // Of a charge that was only authorised, nothing is held any more: what no capture took has gone.
      if (!captureNow && expiresAt === null) return { kind: 'expired', reference };
      // Captures of it are movements of their own, and change nothing of how the charge was made.
      return { kind: 'approved', reference, networkTransactionId, captured: captureNow, expiresAt, settledAt };
    case 'declined':
      return { kind: 'declined', reference, decline: decline(parseDeclineCode(charge.declineCode ?? '')) };
    case 'action_required':
      if (expiresAt === null) throw new Error('an action of a payer has no end');
      return { kind: 'action_required', reference, url: challengeUrl(reference), expiresAt };
    case 'pending':
    case 'voided':
    case 'expired':
      return { kind: charge.status, reference };
    case 'reversed':
      return {
        kind: 'reversed',
        reference,
        networkTransactionId,
        code: 'reversed',
        message: "The payer's bank took the payment back.",
      };
    default:
      return unreachable(charge.status);
  }
}

/** A capture, void or refund in the port's terms. */
export function movementOutcome({ id: reference, kind, status, settledAt }: Movement): MovementOutcome {
  switch (status) {
    case 'succeeded':
      return { kind: status, reference, settledAt };
    case 'pending':
      return { kind: status, reference };
    case 'failed':
      return { kind: 'failed', reference, ...FAILURES[kind] };
    default:
      return unreachable(status);
  }
}

/** Why a movement that had been booked came to nothing. */
const FAILURES: Readonly<Record<MovementKind, { readonly code: string; readonly message: string }>> = {
  capture: { code: 'not_paid', message: "The payer's bank did not pay, or took the money back." },
  void: { code: 'not_released', message: 'The authorisation could not be released.' },
  refund: { code: 'returned', message: 'The money could not be delivered and came back.' },
};

/** A movement that the charge does not allow: nothing was booked. */
export function refused(kind: MovementKind): MovementOutcome {
  return {
    kind: 'failed',
    reference: null,
    code: `${kind}_not_possible`,
    message: `The charge does not allow a ${kind} of this amount.`,
  };
}
