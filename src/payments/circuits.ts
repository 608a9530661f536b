import { admits, begun, CLOSED, ended, type Circuit } from '../domain/circuit.ts';
import type { Place } from '../store/operations.ts';

/**
 * The circuits of this process's processor accounts, on the monotonic clock. They are kept in memory: a process that starts
 * finds out for itself. The sandbox is built in and has none.
 */
export class Circuits {
  readonly #circuits = new Map<string, Circuit>();
  readonly #nowMs: () => number;
  readonly #onChange: (accountId: string, from: Circuit, to: Circuit) => void;

  /** @param onChange told when a circuit enters another state */
  constructor(
    nowMs: () => number,
    onChange: (accountId: string, from: Circuit, to: Circuit) => void = () => undefined,
  ) {
    this.#nowMs = nowMs;
    this.#onChange = onChange;
  }

  of(accountId: string): Circuit {
    return this.#circuits.get(accountId) ?? CLOSED;
  }

  admits({ processorAccountId: id }: Pick<Place, 'processorAccountId'>): boolean {
    return id === null || admits(this.of(id), this.#nowMs());
  }

  /** A call that was admitted begins. */
  begun({ processorAccountId: id }: Pick<Place, 'processorAccountId'>): void {
    if (id !== null) this.#set(id, begun(this.of(id), this.#nowMs()));
  }

  /** A call has ended with an answer: what is not known, or was not sent, is none. */
  ended({ processorAccountId: id }: Pick<Place, 'processorAccountId'>, outcome: { readonly kind: string }): void {
    const isAnswered = outcome.kind !== 'unknown' && outcome.kind !== 'not_sent';
    if (id !== null) this.#set(id, ended(this.of(id), isAnswered, this.#nowMs()));
  }

  /** Of every account that was asked so far: an installation has few. */
  all(): Iterable<[accountId: string, circuit: Circuit]> {
    return this.#circuits;
  }

  #set(id: string, circuit: Circuit): void {
    const before = this.of(id);
    if (before.state !== circuit.state) this.#onChange(id, before, circuit);
    this.#circuits.set(id, circuit);
  }
}
