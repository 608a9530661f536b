import { randomBytes } from 'node:crypto';
import { brandOf, normalizeCardNumber } from '../../domain/card.ts';
import { decline, parseDeclineCode } from '../../domain/decline.ts';
import { unreachable } from '../../domain/result.ts';
import type {
  CaptureRequest,
  ChargeOutcome,
  ChargeRequest,
  LookUpRequest,
  MovementOutcome,
  MovementRequest,
  NotFound,
  Processor,
  ProcessorLimits,
  TokenizeOutcome,
  TokenizeRequest,
} from '../port.ts';
import type { Charge, Movement, MovementKind, NewCharge, NewMovement, SandboxBooks } from './books.ts';
import { behaviorOf, type Behavior } from './cards.ts';

export const SANDBOX = 'sandbox';

/** How long a pending charge or refund of the sandbox takes, in milliseconds. */
const DEFAULT_DELAY_MS = 2_000;

const LIMITS: ProcessorLimits = { callTimeoutMs: 10_000, inFlightWindowMs: 5_000, keyRetentionMs: 30 * 24 * 3_600_000 };

export interface SandboxOptions {
  readonly delayMs?: number;
  readonly limits?: Partial<ProcessorLimits>;
}

/** The processor inside: deterministic by card number, with books of its own. It moves no money. */
export class Sandbox implements Processor {
  readonly name = SANDBOX;
  readonly limits: ProcessorLimits;
  readonly severalCaptures = true;
  readonly #books: SandboxBooks;
  readonly #delayMs: number;

  constructor(books: SandboxBooks, options: SandboxOptions = {}) {
    this.#books = books;
    this.limits = { ...LIMITS, ...options.limits };
    this.#delayMs = options.delayMs ?? DEFAULT_DELAY_MS;
  }

  async tokenize({ merchant, card }: TokenizeRequest): Promise<TokenizeOutcome> {
    const number = normalizeCardNumber(card.number);
    const behavior = behaviorOf(number);
    if (behavior === undefined) {
      return { kind: 'refused', message: 'The sandbox takes its test cards only: see docs/sandbox.md.' };
    }
    const token = `tok_${randomBytes(16).toString('hex')}`;
    await this.#books.addCard(merchant, token, JSON.stringify(behavior));
    return { kind: 'tokenized', token, brand: brandOf(number), country: 'US' };
  }

  async charge(request: ChargeRequest): Promise<ChargeOutcome> {
    const stored = await this.#books.readCard(request.merchant, request.token);
    if (stored === undefined) return { kind: 'misconfigured', message: 'The sandbox has no such card token.' };
    const behavior = JSON.parse(stored) as Behavior;
    if (behavior.kind === 'drop_connection' && !behavior.afterTheEffect) return { kind: 'unknown' };
    const charge = await this.#books.addCharge(this.#chargeFor(behavior, request));
    return behavior.kind === 'drop_connection' ? { kind: 'unknown' } : chargeOutcome(charge);
  }

  #chargeFor(behavior: Behavior, request: ChargeRequest): NewCharge {
    const { merchant, key, token, amount, currency, captureNow } = request;
    const approved: NewCharge = {
      merchant,
      id: `ch_${randomBytes(12).toString('hex')}`,
      key,
      token,
      status: 'approved',
      next: null,
      amount,
      currency,
      captureNow,
      declineCode: null,
      networkTransactionId: randomBytes(8).readBigUInt64BE().toString().slice(0, 15),
    };
    switch (behavior.kind) {
      case 'approve':
      case 'approve_with_refunds':
      case 'drop_connection':
        return approved;
      case 'decline':
        return { ...approved, status: 'declined', declineCode: behavior.code };
      case 'approve_later':
        return { ...approved, status: 'pending', next: { status: 'approved', inMs: this.#delayMs } };
      default:
        return unreachable(behavior);
    }
  }

  async capture(request: CaptureRequest): Promise<MovementOutcome> {
    return this.#move('capture', request, { status: 'succeeded', next: null }, request.final);
  }

  async void(request: MovementRequest): Promise<MovementOutcome> {
    return this.#move('void', request, { status: 'succeeded', next: null });
  }

  async refund(request: MovementRequest): Promise<MovementOutcome> {
    const behavior = await this.#behaviorBehind(request);
    if (behavior?.kind !== 'approve_with_refunds') {
      return this.#move('refund', request, { status: 'succeeded', next: null });
    }
    const next = { status: behavior.later, inMs: this.#delayMs };
    return this.#move('refund', request, { status: behavior.first, next });
  }

  async #behaviorBehind({ merchant, chargeReference }: MovementRequest): Promise<Behavior | undefined> {
    const stored = await this.#books.readCardOfCharge(merchant, chargeReference);
    return stored === undefined ? undefined : (JSON.parse(stored) as Behavior);
  }

  async #move(
    kind: MovementKind,
    request: MovementRequest,
    course: Pick<NewMovement, 'status' | 'next'>,
    final = false,
  ): Promise<MovementOutcome> {
    const { merchant, key, chargeReference, amount } = request;
    const id = `mv_${randomBytes(12).toString('hex')}`;
    const movement = await this.#books.addMovement({
      merchant,
      id,
      chargeId: chargeReference,
      key,
      kind,
      amount,
      final,
      ...course,
    });
    if (movement !== undefined) return movementOutcome(movement);
    return {
      kind: 'failed',
      reference: null,
      code: `${kind}_not_possible`,
      message: `The charge does not allow a ${kind} of this amount.`,
    };
  }

  async lookUpCharge({ merchant, key }: LookUpRequest): Promise<ChargeOutcome | NotFound> {
    const charge = await this.#books.readCharge(merchant, key);
    return charge === undefined ? { kind: 'not_found' } : chargeOutcome(charge);
  }

  async lookUpMovement({ merchant, key }: LookUpRequest): Promise<MovementOutcome | NotFound> {
    const movement = await this.#books.readMovement(merchant, key);
    return movement === undefined ? { kind: 'not_found' } : movementOutcome(movement);
  }
}

function chargeOutcome(charge: Charge): ChargeOutcome {
  switch (charge.status) {
    case 'approved':
      return {
        kind: 'approved',
        reference: charge.id,
        networkTransactionId: charge.networkTransactionId,
        captured: charge.amountCaptured > 0n,
        expiresAt: null,
      };
    case 'declined':
      return { kind: 'declined', reference: charge.id, decline: decline(parseDeclineCode(charge.declineCode ?? '')) };
    case 'pending':
      return { kind: 'pending', reference: charge.id };
    case 'voided':
      return { kind: 'voided', reference: charge.id };
    default:
      return unreachable(charge.status);
  }
}

function movementOutcome(movement: Movement): MovementOutcome {
  const reference = movement.id;
  switch (movement.status) {
    case 'succeeded':
      return { kind: 'succeeded', reference };
    case 'pending':
      return { kind: 'pending', reference };
    case 'failed':
      return {
        kind: 'failed',
        reference,
        code: 'returned',
        message: 'The money could not be delivered and came back.',
      };
    default:
      return unreachable(movement.status);
  }
}
