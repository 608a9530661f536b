interface Window {
  readonly beganMs: number;
  readonly count: number;
}

/**
 * So many times within so long, by a key. It is kept in memory: a restart forgets it, and each process counts for
 * itself. It is there to slow machines down; what must hold is counted in the database (payments/payer.ts).
 */
export class RateLimit {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #keysMax: number;
  /** By key, in the order in which they began. */
  readonly #windows = new Map<string, Window>();

  /** @param limit.keysMax of more keys than this, the one that began first is forgotten */
  constructor(limit: { readonly max: number; readonly windowMs: number; readonly keysMax: number }) {
    this.#max = limit.max;
    this.#windowMs = limit.windowMs;
    this.#keysMax = limit.keysMax;
  }

  /** Counts one. @returns in how many milliseconds it may be tried again; 0 if it may be now */
  take(key: string, nowMs: number): number {
    const window = this.#windows.get(key);
    if (window === undefined || nowMs >= window.beganMs + this.#windowMs) {
      this.#windows.delete(key);
      this.#windows.set(key, { beganMs: nowMs, count: 1 });
      this.#forget();
      return 0;
    }
    if (window.count >= this.#max) return window.beganMs + this.#windowMs - nowMs;
    this.#windows.set(key, { ...window, count: window.count + 1 });
    return 0;
  }

  #forget(): void {
    const [first] = this.#windows.keys();
    if (first !== undefined && this.#windows.size > this.#keysMax) this.#windows.delete(first);
  }
}

/**
 * Whose address it is: an IPv4 address, or the first half of an IPv6 address, because every customer of a provider has
 * all addresses of the second half.
 */
export function networkOf(address: string): string {
  const mapped = /^(?:::ffff:)?(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [left = [], right = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = address.includes('::') ? Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0') : [];
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
