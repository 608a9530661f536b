import type { PaymentEvent } from '../../generated/prisma/client.ts';

/** Hears of events, in their order. */
export type Listener = (events: readonly PaymentEvent[]) => void;

/** Those who are to hear of events: of all of them, or of one payment's. */
export class EventListeners {
  readonly #ofAll = new Set<Listener>();
  readonly #ofPayment = new Map<string, Set<Listener>>();
  readonly #onError: (error: Error) => void;
  /** Counted by going through them, it cost 5,000 who each watch a payment a thirtieth of the CPU. */
  #count = 0;

  /** @param onError told of a listener's fault */
  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  get count(): number {
    return this.#count;
  }

  /** @returns what takes the listener away again */
  add(listener: Listener, paymentId: string | undefined): () => void {
    const others = paymentId === undefined ? this.#ofAll : this.#ofPayment.get(paymentId);
    const listeners = others ?? new Set<Listener>();
    if (paymentId !== undefined) this.#ofPayment.set(paymentId, listeners);
    listeners.add(listener);
    this.#count++;
    return () => {
      if (!listeners.delete(listener)) return;
      this.#count--;
      if (paymentId === undefined || listeners.size > 0) return;
      if (this.#ofPayment.get(paymentId) === listeners) this.#ofPayment.delete(paymentId);
    };
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
