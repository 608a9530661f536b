export type ChargeStatus =
  | 'action_required'
  | 'pending'
  | 'approved'
  | 'declined'
  | 'voided'
  | 'expired'
  /** It was captured with the charge, and the payer's bank took it back. */
  | 'reversed';

export interface Charge {
  readonly id: string;
  readonly status: ChargeStatus;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
  readonly captureNow: boolean;
  /** Why it was declined, or will be once it is time, or the payer has acted. */
  readonly declineCode: string | null;
  readonly networkTransactionId: string;
  /** Where the payer goes after 3-D Secure. */
  readonly returnUrl: string | null;
  /** Until when it waits for the payer, or an authorisation is held. */
  readonly expiresAt: Date | null;
  /** When what was captured with it was paid out. */
  readonly settledAt: Date | null;
}

export interface NewCharge extends Omit<Charge, 'expiresAt' | 'settledAt'> {
  readonly merchant: string;
  readonly key: string;
  readonly token: string;
  /** What it becomes by itself, and in how many milliseconds. */
  readonly next: { readonly status: ChargeStatus; readonly inMs: number } | null;
}

export type MovementKind = 'capture' | 'void' | 'refund';
export type MovementStatus = 'succeeded' | 'pending' | 'failed';

export interface Movement {
  readonly id: string;
  readonly kind: MovementKind;
  readonly status: MovementStatus;
  /** When what a capture took was paid out. */
  readonly settledAt: Date | null;
}

export interface NewMovement extends Omit<Movement, 'settledAt'> {
  readonly merchant: string;
  readonly chargeId: string;
  readonly key: string;
  /** What it becomes by itself, and in how many milliseconds. */
  readonly next: { readonly status: MovementStatus; readonly inMs: number } | null;
  readonly amount: bigint;
  /** Of a capture: what it leaves is released. */
  readonly final: boolean;
}

/** The columns of a charge as the driver gives them. */
export interface ChargeRow {
  id: string;
  status: ChargeStatus;
  amount: string;
  currency: string;
  capture_now: boolean;
  decline_code: string | null;
  network_transaction_id: string;
  return_url: string | null;
  expires_at: Date | null;
  settled_at: Date | null;
}

/** Reads a row. */
export function chargeOf(row: ChargeRow): Charge {
  return {
    id: row.id,
    status: row.status,
    amount: BigInt(row.amount),
    currency: row.currency,
    captureNow: row.capture_now,
    declineCode: row.decline_code,
    networkTransactionId: row.network_transaction_id,
    returnUrl: row.return_url,
    expiresAt: row.expires_at,
    settledAt: row.settled_at,
  };
}
