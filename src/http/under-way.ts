import type { Plugin } from 'graphql-yoga';

/** Counts what is under way, for a stop that waits for its end. */
export class UnderWay {
  #count = 0;
  #wake: (() => void) | undefined;
  #none: Promise<void> | undefined;

  get count(): number {
    return this.#count;
  }

  /** Does some work, which is under way until it has ended in one way or the other. */
  async during<T>(work: () => T | Promise<T>): Promise<T> {
    this.#count++;
    try {
      return await work();
    } finally {
      this.#count--;
      if (this.#count === 0) this.#wake?.();
    }
  }

  /** Settles once nothing is under way. */
  async none(): Promise<void> {
    while (this.#count > 0) {
      this.#none ??= new Promise((resolve) => (this.#wake = resolve));
      await this.#none;
      this.#none = undefined;
    }
  }
}

/** Counts operations until they have ended, also those whose client has gone away meanwhile: a charge goes on. */
export function useUnderWay(underWay: UnderWay): Plugin {
  return {
    onExecute: ({ executeFn, setExecuteFn }) => {
      setExecuteFn((args) => underWay.during(() => executeFn(args) as unknown));
    },
  };
}
