import type { CardBrand, RawCard } from '../domain/card.ts';
import type { Decline } from '../domain/decline.ts';
import type { Line } from '../domain/reconciliation.ts';

/** What is known of a kind of processor without asking it. */
export interface ProcessorTraits {
  /** The name that is stored with every attempt and operation: it never changes. */
  readonly name: string;
  readonly limits: ProcessorLimits;
  /** Whether an authorisation can be captured in several parts; where not, the first capture is the last. */
  readonly severalCaptures: boolean;
  /** Why an amount cannot be charged here, in words for the merchant; undefined where it can. */
  refusesAmount(amount: bigint, currency: string): string | undefined;
}

/**
 * What the gateway asks of a payment processor. A connector never throws for what a processor can answer:
 * every answer is one of the outcomes below, and what cannot be known is `unknown`. A connector may throw when
 * a connection breaks; the caller takes that, too, for unknown.
 */
export interface Processor extends ProcessorTraits {
  /** Exchanges a card for a token, so that nothing after it needs the number. */
  tokenize(request: TokenizeRequest, signal: AbortSignal): Promise<TokenizeOutcome>;
  charge(request: ChargeRequest, signal: AbortSignal): Promise<ChargeOutcome>;
  capture(request: CaptureRequest, signal: AbortSignal): Promise<MovementOutcome>;
  /** Releases what an authorisation holds and no capture has taken. */
  void(request: MovementRequest, signal: AbortSignal): Promise<MovementOutcome>;
  refund(request: MovementRequest, signal: AbortSignal): Promise<MovementOutcome>;
  /** What became of the charge that was asked for under a key. */
  lookUpCharge(request: LookUpRequest, signal: AbortSignal): Promise<ChargeOutcome | NotFound>;
  /** What became of the capture, void or refund that was asked for under a key. */
  lookUpMovement(request: MovementLookUpRequest, signal: AbortSignal): Promise<MovementOutcome | NotFound>;
  /**
   * What the processor has on record of a stretch of time, in any order, page by page: for reconciliation.
   * @param merchant whose books; a connection to one account has no others
   * @throws where a page is not to be had: a statement with a gap would be taken for a whole one
   */
  statement(from: Date, until: Date, signal: AbortSignal, merchant: string): AsyncIterable<StatementLine>;
}

export interface ProcessorLimits {
  /** After this a call is aborted, and its outcome is unknown. */
  readonly callTimeoutMs: number;
  /** How long after a call's deadline the processor may still be working on it: until then, "not found" says nothing. */
  readonly inFlightWindowMs: number;
  /** How long the processor knows an idempotency key: within it, asking again under the same key is safe. */
  readonly keyRetentionMs: number;
}

export interface TokenizeRequest {
  /** Whose books at the processor: the environment's id. */
  readonly merchant: string;
  readonly card: RawCard;
}

export type TokenizeOutcome =
  | {
      readonly kind: 'tokenized';
      readonly token: string;
      readonly brand: CardBrand;
      /** The country of the issuer, ISO 3166-1 alpha-2, where the processor tells it. */
      readonly country: string | null;
    }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'misconfigured'; readonly message: string }
  | NotSent
  | Unknown;

export interface ChargeRequest {
  readonly merchant: string;
  readonly key: string;
  /** The payment's id as the API shows it, for the processor's records. */
  readonly paymentId: string;
  readonly token: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
  /** False to authorise only. */
  readonly captureNow: boolean;
  readonly offSession: boolean;
  readonly initiator: 'CUSTOMER' | 'MERCHANT';
  readonly statementDescriptor: string | null;
  /** Where the payer comes back to from 3-D Secure; without it, a charge that needs that is declined: return_url_missing. */
  readonly returnUrl: string | null;
  /**
   * Keeps the processor's id of a charge that it has on record and has not made: to be awaited before money can move, so
   * that after a crash the charge is found by it. @returns false where nobody waits for the charge any more: it is not to
   * be made then
   */
  readonly keepReference: (reference: string) => Promise<boolean>;
}

export interface MovementRequest {
  readonly merchant: string;
  readonly key: string;
  /** The processor's id of the charge that is captured, voided or refunded. */
  readonly chargeReference: string;
  readonly amount: bigint;
  readonly currency: string;
}

export interface CaptureRequest extends MovementRequest {
  /** What this capture leaves of the authorisation is released. */
  readonly final: boolean;
}

export interface LookUpRequest {
  readonly merchant: string;
  readonly key: string;
  /** The processor's own id, where it is known already. */
  readonly reference: string | null;
  /** The call that asked for it is over, and its request cannot be on its way any more. */
  readonly isLanded: boolean;
}

/** The movement as it was asked for: some processors have no id of their own for a capture or a void. */
export interface MovementLookUpRequest extends LookUpRequest, MovementRequest {
  readonly kind: 'CAPTURE' | 'VOID' | 'REFUND';
}

/** The processor did it, and this is how it stands. */
interface Approved {
  readonly kind: 'approved';
  readonly reference: string;
  readonly networkTransactionId: string | null;
  /** Captured and confirmed, or authorised only. */
  readonly captured: boolean;
  /** When the processor lets an authorisation that is not captured go; null where it does not tell. */
  readonly expiresAt: Date | null;
  /** When what was captured with it was paid out; null while it was not, and for an authorisation. */
  readonly settledAt: Date | null;
}

/** The answer is not known: it may or may not have been done. */
export interface Unknown {
  readonly kind: 'unknown';
}

/**
 * Certainly nothing was done, and nothing is under way: the processor could not be reached, or said that it has not
 * looked at the request. It may be asked again under the same key, or another one instead. A look-up that answers so says it
 * of the call that it looked up, for good; where the look-up itself could not be sent, the answer is unknown.
 */
export interface NotSent {
  readonly kind: 'not_sent';
}

/** Accepted; the result comes later. */
interface Pending {
  readonly kind: 'pending';
  readonly reference: string;
}

/** The processor has no trace of the request. */
export interface NotFound {
  readonly kind: 'not_found';
}

export type ChargeOutcome =
  | Approved
  | Pending
  | Unknown
  | NotSent
  | { readonly kind: 'declined'; readonly reference: string | null; readonly decline: Decline }
  | { readonly kind: 'action_required'; readonly reference: string; readonly url: string; readonly expiresAt: Date }
  | { readonly kind: 'voided'; readonly reference: string }
  /**
   * The payer did not act in time, or nothing is held of the authorisation any more. What was captured of it before
   * stays captured.
   */
  | { readonly kind: 'expired'; readonly reference: string }
  /** It had been approved and captured, and was taken back since: the payer's bank did not pay after all. */
  | {
      readonly kind: 'reversed';
      readonly reference: string;
      readonly networkTransactionId: string | null;
      readonly code: string;
      readonly message: string;
    }
  /** Refused before anything was done, for a reason that an operator has to mend. */
  | { readonly kind: 'misconfigured'; readonly message: string };

/**
 * What failed with a reference had been accepted first: it was taken back, or came to nothing since. What was refused at
 * once has none.
 */
export type MovementOutcome =
  | {
      readonly kind: 'succeeded';
      readonly reference: string;
      /** When what a capture took was paid out; null while it was not, and for what takes nothing. */
      readonly settledAt: Date | null;
    }
  | Pending
  | Unknown
  | NotSent
  | { readonly kind: 'failed'; readonly reference: string | null; readonly code: string; readonly message: string };

/** Told when the processor's answer about something may have changed: the gateway then looks it up. */
export interface Notification {
  readonly processor: string;
  readonly merchant: string;
  /** The idempotency key under which it was asked for. */
  readonly key: string;
}

/** A charge or a refund as the processor's books have it; what was captured of a charge is in its line. */
export type StatementLine = Line;
