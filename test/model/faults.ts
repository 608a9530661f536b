import type { SandboxBooks } from '../../src/processors/sandbox/books.ts';
import type { Behavior } from '../../src/processors/sandbox/cards.ts';
import type { CaptureRequest, ChargeRequest, MovementRequest, Processor } from '../../src/processors/port.ts';
import type { Interposed } from '../harness/interposed.ts';

/**
 * What becomes of one call: `before` and `after` say whether the connection breaks before the effect or after it; `late`
 * breaks it before, and lets the effect come when it is asked for: an hour later, for all that the gateway knows.
 */
export type Fate = 'passes' | 'before' | 'after' | 'late';

type Call = 'charge' | 'capture' | 'void' | 'refund';
type Asked = ChargeRequest | CaptureRequest | MovementRequest;

/** An effect that is still to come. */
export interface Delayed {
  readonly key: string;
  readonly happen: () => Promise<unknown>;
}

/** A call that broke so often passes: recovery is to come to its end. */
const BREAKS_MAX = 3;

/**
 * Decides the fate of every call by what it asks for and how often that was asked, and not by when: so that the same
 * fates meet the same calls when a run is repeated.
 */
export class Faults {
  readonly #fates: readonly Fate[];
  readonly #books: SandboxBooks;
  readonly #asked = new Map<string, number>();
  #delayed: Delayed[] = [];

  constructor(fates: readonly Fate[], books: SandboxBooks) {
    this.#fates = fates;
    this.#books = books;
  }

  /** @param processor makes the calls whose effect comes late */
  standBetween(interposed: Interposed, processor: Processor): void {
    const meet = async <T>(call: Call, request: Asked, pass: () => Promise<T>): Promise<T> => {
      const fate = (await this.#isAmbiguous(call, request)) ? 'passes' : this.#fateOf(call, request);
      if (fate === 'passes') return pass();
      if (fate === 'after') await pass();
      // The connection does not end the call that comes late.
      const { signal } = new AbortController();
      const happen = () => processor[call](request as ChargeRequest & CaptureRequest, signal);
      if (fate === 'late') this.#delayed.push({ key: request.key, happen });
      throw new Error(`the connection broke: ${fate}`);
    };
    interposed.use({
      charge: (request, pass) => meet('charge', request, pass),
      capture: (request, pass) => meet('capture', request, pass),
      void: (request, pass) => meet('void', request, pass),
      refund: (request, pass) => meet('refund', request, pass),
    });
  }

  /** The effects that did not come yet: whoever takes them lets them come. */
  takeDelayed(): readonly Delayed[] {
    const delayed = this.#delayed;
    this.#delayed = [];
    return delayed;
  }

  /**
   * A capture that failed after it was accepted. Who hears only that it has failed cannot tell whether the processor has
   * the authorisation still: for us it can be captured again, for the sandbox it was used up. So its answer is heard.
   */
  async #isAmbiguous(call: Call, request: Asked): Promise<boolean> {
    if (call !== 'capture' || !('chargeReference' in request)) return false;
    const stored = await this.#books.readCardOfCharge(request.merchant, request.chargeReference);
    const behavior = JSON.parse(stored ?? 'null') as Behavior | null;
    return behavior?.kind === 'approve_with_captures' && behavior.first === 'succeeded';
  }

  #fateOf(call: Call, { amount }: Asked): Fate {
    const asked = `${call} ${amount}`;
    const times = this.#asked.get(asked) ?? 0;
    this.#asked.set(asked, times + 1);
    if (times >= BREAKS_MAX) return 'passes';
    return this.#fates[hash(`${asked} ${times}`) % this.#fates.length] ?? 'passes';
  }
}

/** FNV-1a. */
function hash(text: string): number {
  return Array.from(text).reduce((sum, char) => Math.imul(sum ^ char.charCodeAt(0), 0x01000193) >>> 0, 0x811c9dc5);
}
