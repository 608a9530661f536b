import type { Processor } from '../../../src/processors/port.ts';

export const MERCHANT = 'merchant';
export const AMOUNT = 1_000n;
export const CURRENCY = 'EUR';

/** What a card does. */
export type CardKind =
  | 'approved'
  | 'generic_decline'
  | 'insufficient_funds'
  | 'lost_card'
  | 'stolen_card'
  | 'card_velocity_exceeded'
  | 'expired_card'
  | 'incorrect_cvc'
  | 'processing_error'
  | 'challenged'
  | 'challenged_then_declined'
  | 'pending_then_approved'
  | 'pending_then_declined'
  | 'refund_pending'
  | 'refund_fails_later';

export type OperationName = 'charge' | 'capture' | 'void' | 'refund';

/** What a processor's own books hold of some charges. */
export interface Money {
  /** How many of them hold or took money. */
  readonly charges: number;
  readonly held: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
}

export const NOTHING: Money = { charges: 0, held: 0n, captured: 0n, refunded: 0n };
export const CAPTURED: Money = { ...NOTHING, charges: 1, captured: AMOUNT };
export const HELD: Money = { ...NOTHING, charges: 1, held: AMOUNT };

/** Something that goes wrong with a call. */
export interface Fault {
  readonly name: string;
  readonly operation: OperationName;
  /** Lets it happen to the next call. @returns the call's deadline, where it will have to be given up */
  readonly arrange: () => AbortSignal | undefined;
}

/** A processor, and what a test does behind its back. */
export interface ContractBench {
  readonly processor: Processor;
  readonly tokenOf: (card: CardKind) => Promise<string>;
  /** The payer goes to an address, and passes 3-D Secure, or fails it. */
  readonly act: (url: string, passed: boolean) => Promise<void>;
  /** Lets time pass, until what was to come has come. */
  readonly elapse: () => Promise<void>;
  /** Nothing goes wrong any more, and what was on its way has arrived. */
  readonly mend: () => Promise<void>;
  /** What the processor's books hold of the charges under these keys. */
  readonly money: (keys: readonly string[]) => Promise<Money>;
}
