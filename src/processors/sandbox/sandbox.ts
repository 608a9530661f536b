import { randomBytes } from 'node:crypto';
import { brandOf, normalizeCardNumber } from '../../domain/card.ts';
import type {
  CaptureRequest,
  ChargeOutcome,
  ChargeRequest,
  LookUpRequest,
  MovementLookUpRequest,
  MovementOutcome,
  MovementRequest,
  NotFound,
  Processor,
  ProcessorLimits,
  StatementLine,
  TokenizeOutcome,
  TokenizeRequest,
} from '../port.ts';
import type { BooksOptions, SandboxBooks } from './books.ts';
import { behaviorOf, type Behavior } from './cards.ts';
import {
  courseOfCapture,
  courseOfCharge,
  courseOfRefund,
  courseOfVoid,
  type Durations,
  type MovementCourse,
} from './courses.ts';
import { chargeOutcome, movementOutcome, refused } from './outcomes.ts';
import type { MovementKind, NewCharge } from './records.ts';

export const SANDBOX = 'sandbox';

const DEFAULT_DELAY_MS = 2_000;
const DEFAULT_ACTION_MS = 15 * 60_000;

const LIMITS: ProcessorLimits = { callTimeoutMs: 10_000, inFlightWindowMs: 5_000, keyRetentionMs: 30 * 24 * 3_600_000 };

export interface SandboxOptions extends BooksOptions {
  /** How long what comes later takes: a pending result, a success that is taken back. Two seconds by default. */
  readonly delayMs?: number;
  /** How long a payer has for 3-D Secure. 15 minutes by default. */
  readonly actionMs?: number;
  /** Where the payer of a charge goes for 3-D Secure. */
  readonly challengeUrl?: (chargeId: string) => string;
  readonly limits?: Partial<ProcessorLimits>;
}

/** The processor inside: deterministic by card number, with books of its own. It moves no money. */
export class Sandbox implements Processor {
  readonly name = SANDBOX;
  readonly limits: ProcessorLimits;
  readonly severalCaptures = true;
  readonly #books: SandboxBooks;
  readonly #durations: Durations;
  readonly #challengeUrl: (chargeId: string) => string;

  /** How long authorisations are held is up to the books: they approve on their own, too. */
  constructor(books: SandboxBooks, options: Omit<SandboxOptions, keyof BooksOptions> = {}) {
    this.#books = books;
    this.limits = { ...LIMITS, ...options.limits };
    this.#durations = {
      delayMs: options.delayMs ?? DEFAULT_DELAY_MS,
      actionMs: options.actionMs ?? DEFAULT_ACTION_MS,
      authorizationMs: books.authorizationMs,
    };
    this.#challengeUrl = options.challengeUrl ?? ((chargeId) => `http://127.0.0.1:4000/sandbox/challenge/${chargeId}`);
  }

  refusesAmount(): undefined {
    return undefined;
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
    return behavior.kind === 'drop_connection' ? { kind: 'unknown' } : chargeOutcome(charge, this.#challengeUrl);
  }

  #chargeFor(behavior: Behavior, request: ChargeRequest): NewCharge {
    const { merchant, key, token, amount, currency, captureNow, returnUrl } = request;
    return {
      merchant,
      id: `ch_${randomBytes(12).toString('hex')}`,
      key,
      token,
      amount,
      currency,
      captureNow,
      networkTransactionId: randomBytes(8).readBigUInt64BE().toString().slice(0, 15),
      returnUrl,
      ...courseOfCharge(behavior, request, this.#durations),
    };
  }

  async capture(request: CaptureRequest): Promise<MovementOutcome> {
    const course = courseOfCapture(await this.#behaviorBehind(request), this.#durations);
    return this.#move('capture', request, course, request.final);
  }

  async void(request: MovementRequest): Promise<MovementOutcome> {
    return this.#move('void', request, courseOfVoid());
  }

  async refund(request: MovementRequest): Promise<MovementOutcome> {
    return this.#move('refund', request, courseOfRefund(await this.#behaviorBehind(request), this.#durations));
  }

  async #behaviorBehind({ merchant, chargeReference }: MovementRequest): Promise<Behavior | undefined> {
    const stored = await this.#books.readCardOfCharge(merchant, chargeReference);
    return stored === undefined ? undefined : (JSON.parse(stored) as Behavior);
  }

  async #move(
    kind: MovementKind,
    { merchant, key, chargeReference, amount }: MovementRequest,
    course: MovementCourse,
    final = false,
  ): Promise<MovementOutcome> {
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
    return movement === undefined ? refused(kind) : movementOutcome(movement);
  }

  async lookUpCharge({ merchant, key }: LookUpRequest): Promise<ChargeOutcome | NotFound> {
    const charge = await this.#books.readCharge(merchant, key);
    return charge === undefined ? { kind: 'not_found' } : chargeOutcome(charge, this.#challengeUrl);
  }

  async lookUpMovement({ merchant, key }: MovementLookUpRequest): Promise<MovementOutcome | NotFound> {
    const movement = await this.#books.readMovement(merchant, key);
    return movement === undefined ? { kind: 'not_found' } : movementOutcome(movement);
  }

  statement(from: Date, until: Date, signal: AbortSignal, merchant: string): AsyncIterable<StatementLine> {
    return this.#books.statement(merchant, from, until, signal);
  }
}
