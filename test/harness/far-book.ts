import { randomUUID } from 'node:crypto';
import { decline } from '../../src/domain/decline.ts';
import { unreachable } from '../../src/domain/result.ts';
import type {
  CaptureRequest,
  ChargeOutcome,
  ChargeRequest,
  LookUpRequest,
  MovementLookUpRequest,
  MovementOutcome,
  MovementRequest,
  NotFound,
} from '../../src/processors/port.ts';

/** What a book has of one charge. */
export interface FarCharge {
  readonly reference: string;
  readonly key: string;
  readonly amount: bigint;
  /** KEPT is on record and not made; GIVEN_UP never will be. */
  state: 'KEPT' | 'GIVEN_UP' | 'PENDING' | 'DECLINED' | 'AUTHORIZED' | 'CAPTURED' | 'VOIDED';
  captured: bigint;
  refunded: bigint;
}

interface FarMovement {
  readonly reference: string;
  readonly key: string;
}

/** Tokens that a page had from the processor, by what becomes of a charge with them. */
export const TOKENS = { good: 'pm_good', declined: 'pm_declined', pending: 'pm_pending' } as const;

/**
 * What a processor outside has on record for one of its merchants, in memory: it outlives every gateway of a test. Nothing is
 * done twice under a key.
 */
export class FarBook {
  readonly charges: FarCharge[] = [];
  readonly movements: FarMovement[] = [];

  async charge(request: ChargeRequest): Promise<ChargeOutcome> {
    const known = this.#byKey(request.key);
    if (known !== undefined) return outcomeOf(known);
    const { key, amount, token, captureNow } = request;
    const charge: FarCharge = { reference: id('ch'), key, amount, state: 'KEPT', captured: 0n, refunded: 0n };
    this.charges.push(charge);
    if (!(await request.keepReference(charge.reference))) return { kind: 'not_sent' };
    // Whoever looked it up meanwhile may have had it given up.
    if (charge.state === 'KEPT') make(charge, token, captureNow);
    return outcomeOf(charge);
  }

  lookUpCharge({ key, reference, isLanded }: LookUpRequest): ChargeOutcome | NotFound {
    const charge = this.#byKey(key) ?? this.charges.find((each) => each.reference === reference);
    if (charge === undefined) return { kind: 'not_found' };
    if (charge.state === 'KEPT' && isLanded) charge.state = 'GIVEN_UP';
    return outcomeOf(charge);
  }

  capture({ key, chargeReference, amount }: CaptureRequest): MovementOutcome {
    return this.#move(key, 'cap', () => {
      const charge = this.#of(chargeReference);
      if (charge.state !== 'AUTHORIZED' || amount > charge.amount) return false;
      charge.state = 'CAPTURED';
      charge.captured = amount;
      return true;
    });
  }

  void({ key, chargeReference }: MovementRequest): MovementOutcome {
    return this.#move(key, 'void', () => {
      const charge = this.#of(chargeReference);
      if (charge.state !== 'AUTHORIZED' && charge.state !== 'PENDING') return false;
      charge.state = 'VOIDED';
      return true;
    });
  }

  refund({ key, chargeReference, amount }: MovementRequest): MovementOutcome {
    return this.#move(key, 're', () => {
      const charge = this.#of(chargeReference);
      if (amount > charge.captured - charge.refunded) return false;
      charge.refunded += amount;
      return true;
    });
  }

  lookUpMovement({ key }: MovementLookUpRequest): MovementOutcome | NotFound {
    const movement = this.movements.find((each) => each.key === key);
    return movement === undefined ? { kind: 'not_found' } : done(movement);
  }

  /** The payer of a pending charge has paid. */
  decide(reference: string): void {
    const charge = this.#of(reference);
    charge.state = 'CAPTURED';
    charge.captured = charge.amount;
  }

  #move(key: string, prefix: string, take: () => boolean): MovementOutcome {
    const known = this.movements.find((each) => each.key === key);
    if (known !== undefined) return done(known);
    if (!take()) return { kind: 'failed', reference: null, code: 'refused', message: 'There is not so much.' };
    const movement = { reference: id(prefix), key };
    this.movements.push(movement);
    return done(movement);
  }

  #byKey(key: string): FarCharge | undefined {
    return this.charges.find((each) => each.key === key);
  }

  #of(reference: string): FarCharge {
    const charge = this.charges.find((each) => each.reference === reference);
    if (charge === undefined) throw new Error(`no charge ${reference} in this book`);
    return charge;
  }
}

function make(charge: FarCharge, token: string, captureNow: boolean): void {
  if (token === TOKENS.declined) charge.state = 'DECLINED';
  else if (token === TOKENS.pending) charge.state = 'PENDING';
  else charge.state = captureNow ? 'CAPTURED' : 'AUTHORIZED';
  if (charge.state === 'CAPTURED') charge.captured = charge.amount;
}

function outcomeOf({ state, reference }: FarCharge): ChargeOutcome {
  switch (state) {
    case 'KEPT':
      return { kind: 'unknown' };
    case 'GIVEN_UP':
      return { kind: 'not_sent' };
    case 'PENDING':
      return { kind: 'pending', reference };
    case 'DECLINED':
      return { kind: 'declined', reference, decline: decline('generic_decline') };
    case 'AUTHORIZED':
    case 'CAPTURED': {
      const captured = state === 'CAPTURED';
      return { kind: 'approved', reference, networkTransactionId: null, captured, expiresAt: null, settledAt: null };
    }
    case 'VOIDED':
      return { kind: 'voided', reference };
    default:
      return unreachable(state);
  }
}

function done({ reference }: FarMovement): MovementOutcome {
  return { kind: 'succeeded', reference, settledAt: null };
}

function id(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}
