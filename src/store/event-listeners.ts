import type { PaymentEvent } from '../../generated/prisma/client.ts';
import type { KeyOwner } from './access.ts';
import type { Wanted } from './event-reading.ts';

/** Hears of events, in their order. */
export type Listener = (events: readonly PaymentEvent[]) => void;

/** What a listener is interested in. */
export interface Interest {
  /** Whose events alone it hears: thousands that each watch one payment cost an event of another nothing. */
  readonly paymentId?: string | undefined;
  /** Of which it wants to know at each event whether it is good. */
  readonly key?: KeyOwner | undefined;
  /** Whether it wants the payments of the events, too. */
  readonly payments?: boolean | undefined;
}

/** Those who are to hear of events: of all of them, or of one payment's. */
export class EventListeners {
  readonly #ofAll = new Set<Listener>();
  readonly #ofPayment = new Map<string, Set<Listener>>();
  readonly #onError: (error: Error) => void;
  /** Counted by going through them, it cost 5,000 who each watch a payment a thirtieth of the CPU. */
  #count = 0;
  #wantPayments = 0;
  readonly #keys = new Map<string, { readonly key: KeyOwner; listeners: number }>();
  #wanted: Wanted | undefined;

  /** @param onError told of a listener's fault */
  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  get count(): number {
    return this.#count;
  }

  /** What they want to know besides events. */
  get wanted(): Wanted {
    this.#wanted ??= { keys: Array.from(this.#keys.values(), ({ key }) => key), payments: this.#wantPayments > 0 };
    return this.#wanted;
  }

  /** @returns what takes the listener away again */
  add(listener: Listener, { paymentId, key, payments = false }: Interest): () => void {
    const others = paymentId === undefined ? this.#ofAll : this.#ofPayment.get(paymentId);
    const listeners = others ?? new Set<Listener>();
    if (paymentId !== undefined) this.#ofPayment.set(paymentId, listeners);
    listeners.add(listener);
    this.#countIn(1, key, payments);
    return () => {
      if (!listeners.delete(listener)) return;
      this.#countIn(-1, key, payments);
      if (paymentId === undefined || listeners.size > 0) return;
      if (this.#ofPayment.get(paymentId) === listeners) this.#ofPayment.delete(paymentId);
    };
  }

  #countIn(one: 1 | -1, key: KeyOwner | undefined, payments: boolean): void {
    this.#wanted = undefined;
    this.#count += one;
    if (payments) this.#wantPayments += one;
    if (key === undefined) return;
    const known = this.#keys.get(key.id) ?? { key, listeners: 0 };
    known.listeners += one;
    if (known.listeners === 0) this.#keys.delete(key.id);
    else this.#keys.set(key.id, known);
  }

  tell(events: readonly PaymentEvent[]): void {
    this.#tellThem(this.#ofAll, events);
    for (const [paymentId, ofPayment] of Map.groupBy(events, (event) => event.paymentId)) {
      this.#tellThem(this.#ofPayment.get(paymentId) ?? [], ofPayment);
    }
  }

  /** A listener's fault is its own: the others hear all the same. */
  #tellThem(listeners: Iterable<Listener>, events: readonly PaymentEvent[]): void {
    for (const listener of listeners) {
      try {
        listener(events);
      } catch (error) {
        this.#onError(error as Error);
      }
    }
  }
}
