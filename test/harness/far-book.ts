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
  StatementLine,
} from '../../src/processors/port.ts';

/** What a book has of one charge. */
export interface FarCharge {
  readonly reference: string;
  /** Null for what the merchant did there by hand. */
  key: string | null;
  readonly amount: bigint;
  readonly currency: string;
  createdAt: Date;
  /** KEPT is on record and not made; GIVEN_UP never will be. */
  state: 'KEPT' | 'GIVEN_UP' | 'PENDING' | 'DECLINED' | 'AUTHORIZED' | 'CAPTURED' | 'VOIDED';
  captured: bigint;
  refunded: bigint;
}

interface FarMovement extends Pick<MovementRequest, 'key' | 'amount' | 'currency'> {
  readonly kind: 'cap' | 'void' | 're';
  readonly reference: string;
  createdAt: Date;
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
    const { key, amount, currency, token, captureNow } = request;
    const own = { reference: id('ch'), createdAt: new Date(), captured: 0n, refunded: 0n };
    const charge: FarCharge = { ...own, key, amount, currency, state: 'KEPT' };
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

  capture(request: CaptureRequest): MovementOutcome {
    const { chargeReference, amount } = request;
    return this.#move(request, 'cap', () => {
      const charge = this.#of(chargeReference);
      if (charge.state !== 'AUTHORIZED' || amount > charge.amount) return false;
      charge.state = 'CAPTURED';
      charge.captured = amount;
      return true;
    });
  }

  void(request: MovementRequest): MovementOutcome {
    return this.#move(request, 'void', () => {
      const charge = this.#of(request.chargeReference);
      if (charge.state !== 'AUTHORIZED' && charge.state !== 'PENDING') return false;
      charge.state = 'VOIDED';
      return true;
    });
  }

  refund(request: MovementRequest): MovementOutcome {
    const { chargeReference, amount } = request;
    return this.#move(request, 're', () => {
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

  /** What it has made in a stretch of time. */
  *statement(from: Date, until: Date): Generator<StatementLine> {
    const isWithin = ({ createdAt }: { createdAt: Date }): boolean => createdAt >= from && createdAt < until;
    for (const { reference, key, amount, currency, state, captured, createdAt } of this.charges.filter(isWithin)) {
      if (state === 'KEPT' || state === 'GIVEN_UP') continue;
      const taken = state === 'CAPTURED' ? captured : amount;
      yield { kind: 'CHARGE', reference, key, amount: taken, currency, state: STATES[state], createdAt };
    }
    for (const { kind, reference, key, amount, currency, createdAt } of this.movements.filter(isWithin)) {
      if (kind === 're') yield { kind: 'REFUND', reference, key, amount, currency, state: 'SUCCEEDED', createdAt };
    }
  }

  /** The payer of a pending charge has paid. */
  decide(reference: string): void {
    const charge = this.#of(reference);
    charge.state = 'CAPTURED';
    charge.captured = charge.amount;
  }

  #move({ key, amount, currency }: MovementRequest, kind: FarMovement['kind'], take: () => boolean): MovementOutcome {
    const known = this.movements.find((each) => each.key === key);
    if (known !== undefined) return done(known);
    if (!take()) return { kind: 'failed', reference: null, code: 'refused', message: 'There is not so much.' };
    const movement = { kind, reference: id(kind), key, amount, currency, createdAt: new Date() };
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

const STATES = {
  PENDING: 'PENDING',
  DECLINED: 'FAILED',
  AUTHORIZED: 'AUTHORIZED',
  CAPTURED: 'SUCCEEDED',
  VOIDED: 'CANCELED',
} as const;

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
