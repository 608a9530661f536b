import type { TransportSettings } from '../domain/transport-limits.ts';
import type { Credential } from '../schema/context.ts';
import { knownOf } from './admission.ts';
import { refusal } from './refusal.ts';

/** Counts what stays open, by credential: WebSockets and event streams. */
export class Connections {
  readonly #max: Readonly<Record<'key' | 'token', number>>;
  readonly #open = new Map<string, number>();

  constructor(limits: Pick<TransportSettings, 'connectionsPerKeyMax' | 'connectionsPerTokenMax'>) {
    this.#max = { key: limits.connectionsPerKeyMax, token: limits.connectionsPerTokenMax };
  }

  /**
   * Counts one.
   * @returns what frees its place; called again, it does nothing
   * @throws a GraphQL error that HTTP answers with 429
   */
  enter(credential: Credential): () => void {
    const { scope, id } = knownOf(credential);
    const open = this.#open.get(id) ?? 0;
    if (open >= this.#max[scope]) {
      const message = `This ${scope} has ${open} WebSockets and event streams open, and may have no more.`;
      throw refusal('TOO_MANY_CONNECTIONS', 429, message);
    }
    this.#open.set(id, open + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const others = (this.#open.get(id) ?? 1) - 1;
      if (others === 0) this.#open.delete(id);
      else this.#open.set(id, others);
    };
  }

  /** How many credentials have something open. */
  get size(): number {
    return this.#open.size;
  }
}
