import { setTimeout as delay } from 'node:timers/promises';
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
  Processor,
  ProcessorLimits,
  StatementLine,
  TokenizeOutcome,
  TokenizeRequest,
} from '../../src/processors/port.ts';
import type { Random } from './random.ts';

/** What can go wrong with a call that moves money, and how often, in per cent. */
const CALL_FAULTS = {
  none: 60,
  'answered slowly': 8,
  'answered late': 4,
  'timed out, not done': 3,
  'timed out, done': 3,
  'done late': 3,
  'done far too late': 3,
  'dropped before': 4,
  'dropped after': 5,
  '5xx before': 3,
  '5xx after': 4,
} as const;

/** The same for questions and for tokens, which move none. */
const QUESTION_FAULTS = {
  none: 82,
  'question answered slowly': 8,
  'question timed out': 2,
  'question dropped': 4,
  'question 5xx': 4,
} as const;

export type Fault = Exclude<keyof typeof CALL_FAULTS | keyof typeof QUESTION_FAULTS, 'none'>;

/** How late a call is done, in in-flight windows after its deadline: well within one, or after all hope was given up. */
const LATE = { from: 0, to: 0.4 };
const FAR_TOO_LATE = { from: 1.5, to: 4 };

/** A call that is still on its way to the processor, which it reaches whatever becomes of the process that made it. */
export type LateCall =
  | { readonly call: 'charge'; readonly request: ChargeRequest }
  | { readonly call: 'capture'; readonly request: CaptureRequest }
  | { readonly call: 'void' | 'refund'; readonly request: MovementRequest };

/** A bug to plant, to see that the run finds it. */
export type Plant = 'double-charge';

export interface FaultyProcessorOptions {
  readonly random: Random;
  /** Told of each fault before it takes place: who is killed in the middle of it has told it. */
  readonly onFault: (fault: Fault) => void;
  /** Takes over a call that is to take effect in so many milliseconds. */
  readonly onLateCall: (late: LateCall, inMs: number) => void;
  /** Told of a call that took effect later than the gateway has to reckon with: the machine was too slow for this run. */
  readonly onOverrun: () => void;
  readonly plant: Plant | undefined;
}

type Unknown = { readonly kind: 'unknown' };

const UNKNOWN: Unknown = { kind: 'unknown' };

/** The broken connection that a connector lets out. */
class ConnectionReset extends Error {}

/**
 * A processor between the gateway and the sandbox: calls get lost on the way there or back, take effect late, and
 * are answered late or with a 5xx. What it is asked for takes effect once at most.
 */
export class FaultyProcessor implements Processor {
  readonly name: string;
  readonly limits: ProcessorLimits;
  readonly severalCaptures: boolean;
  readonly #inner: Processor;
  readonly #options: FaultyProcessorOptions;
  #isCalm = false;

  constructor(inner: Processor, options: FaultyProcessorOptions) {
    this.name = inner.name;
    this.limits = inner.limits;
    this.severalCaptures = inner.severalCaptures;
    this.#inner = inner;
    this.#options = options;
  }

  /** No more faults. */
  calm(): void {
    this.#isCalm = true;
  }

  refusesAmount(amount: bigint, currency: string): string | undefined {
    return this.#inner.refusesAmount(amount, currency);
  }

  tokenize(request: TokenizeRequest, signal: AbortSignal): Promise<TokenizeOutcome> {
    return this.#ask(() => this.#inner.tokenize(request, signal));
  }

  charge(request: ChargeRequest, signal: AbortSignal): Promise<ChargeOutcome> {
    return this.#options.plant === 'double-charge' ? this.#chargeTwice(request, signal) : this.#charge(request, signal);
  }

  capture(request: CaptureRequest, signal: AbortSignal): Promise<MovementOutcome> {
    return this.#call({ call: 'capture', request }, signal, () => this.#inner.capture(request, signal));
  }

  void(request: MovementRequest, signal: AbortSignal): Promise<MovementOutcome> {
    return this.#call({ call: 'void', request }, signal, () => this.#inner.void(request, signal));
  }

  refund(request: MovementRequest, signal: AbortSignal): Promise<MovementOutcome> {
    return this.#call({ call: 'refund', request }, signal, () => this.#inner.refund(request, signal));
  }

  lookUpCharge(request: LookUpRequest, signal: AbortSignal): Promise<ChargeOutcome | NotFound> {
    return this.#ask(() => this.#inner.lookUpCharge(request, signal));
  }

  lookUpMovement(request: MovementLookUpRequest, signal: AbortSignal): Promise<MovementOutcome | NotFound> {
    return this.#ask(() => this.#inner.lookUpMovement(request, signal));
  }

  statement(...stretch: Parameters<Processor['statement']>): AsyncIterable<StatementLine> {
    return this.#inner.statement(...stretch);
  }

  /** The planted bug: a charge whose answer was lost is made again, and its key is another one then. */
  async #chargeTwice(request: ChargeRequest, signal: AbortSignal): Promise<ChargeOutcome> {
    const first = await this.#charge(request, signal).catch(() => UNKNOWN);
    return first.kind === 'unknown' ? this.#charge({ ...request, key: `${request.key} again` }, signal) : first;
  }

  #charge(request: ChargeRequest, signal: AbortSignal): Promise<ChargeOutcome> {
    return this.#call({ call: 'charge', request }, signal, () => this.#inner.charge(request, signal));
  }

  async #call<T>(call: LateCall, signal: AbortSignal, request: () => Promise<T>): Promise<T | Unknown> {
    const deadline = moment(signal);
    const act = (): Promise<T> => this.#watch(deadline, request);
    const fault = this.#draw(CALL_FAULTS);
    switch (fault) {
      case 'none':
        return act();
      case 'answered slowly':
        return this.#slowly(await act());
      case 'answered late': {
        const answer = await act();
        await deadline;
        return this.#slowly(answer);
      }
      case 'timed out, not done':
        return never();
      case 'timed out, done':
        await act();
        return never();
      case 'done late':
        // Still on its way when the gateway has stopped waiting.
        return this.#later(call, LATE);
      case 'done far too late':
        // Against what the processor has promised: the money must not stay where it is.
        return this.#later(call, FAR_TOO_LATE);
      case 'dropped before':
        throw new ConnectionReset();
      case 'dropped after':
        await act();
        throw new ConnectionReset();
      case '5xx before':
        return UNKNOWN;
      case '5xx after':
        await act();
        return UNKNOWN;
      default:
        return unreachable(fault);
    }
  }

  async #ask<T>(ask: () => Promise<T>): Promise<T | Unknown> {
    const fault = this.#draw(QUESTION_FAULTS);
    switch (fault) {
      case 'none':
        return ask();
      case 'question answered slowly':
        // What it says may be out of date when it arrives.
        return this.#slowly(await ask());
      case 'question timed out':
        return never();
      case 'question dropped':
        throw new ConnectionReset();
      case 'question 5xx':
        return UNKNOWN;
      default:
        return unreachable(fault);
    }
  }

  #draw<F extends Fault | 'none'>(faults: Readonly<Record<F, number>>): F | 'none' {
    if (this.#isCalm) return 'none';
    const drawn: Fault | 'none' = this.#options.random.weighted(faults);
    if (drawn !== 'none') this.#options.onFault(drawn);
    return drawn as F;
  }

  async #slowly<T>(answer: T): Promise<T> {
    await delay(this.#options.random.next() * this.limits.callTimeoutMs);
    return answer;
  }

  #later(call: LateCall, { from, to }: typeof LATE): Promise<never> {
    const { callTimeoutMs, inFlightWindowMs } = this.limits;
    const windows = from + this.#options.random.next() * (to - from);
    this.#options.onLateCall(call, callTimeoutMs + windows * inFlightWindowMs);
    return never();
  }

  async #watch<T>(deadline: Promise<number>, request: () => Promise<T>): Promise<T> {
    const answer = await request();
    const doneAt = performance.now();
    void deadline.then((at) => {
      if (doneAt > at + this.limits.inFlightWindowMs) this.#options.onOverrun();
    });
    return answer;
  }
}

/** When a signal is given, on the monotonic clock. */
function moment(signal: AbortSignal): Promise<number> {
  if (signal.aborted) return Promise.resolve(performance.now());
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(performance.now()), { once: true });
  });
}

function never(): Promise<never> {
  return new Promise(() => {});
}
