import { columnsOf, type Column, type Model } from './rows.ts';

/** The rows of one model in a tree (store/payment-tree.ts), and what is known of their use. */
export class Branch {
  readonly model: Model;
  readonly #used: Set<string>;
  #columns: readonly Column[];
  #prototype: object | undefined;
  #rowsSeen = false;
  /** How often a row was asked for what was not read. */
  misses = 0;

  /** @param needed columns that are read in any case */
  constructor(model: Model, needed: readonly string[]) {
    this.model = model;
    this.#used = new Set(needed);
    this.#columns = columnsOf(model);
  }

  get columns(): readonly Column[] {
    return this.#columns;
  }

  /** From now on only what has been used is read. What had no rows yet has not shown what is used of them. */
  learn(): void {
    if (this.#prototype !== undefined || !this.#rowsSeen) return;
    const all = columnsOf(this.model);
    const columns = all.filter(({ property }) => this.#used.has(property));
    if (columns.length === 0) return;
    this.#columns = columns;
    const prototype = {};
    for (const { property } of all) {
      if (!this.#used.has(property)) Object.defineProperty(prototype, property, { get: () => this.#miss(property) });
    }
    this.#prototype = prototype;
  }

  #miss(property: string): undefined {
    this.misses += 1;
    this.#used.add(property);
    this.#columns = columnsOf(this.model);
    this.#prototype = undefined;
    return undefined;
  }

  /** What rows are made with, of the columns as they are now. */
  maker(): (values: readonly unknown[], parse: boolean) => object {
    const columns = this.#columns;
    const prototype = this.#prototype;
    const used = this.#used;
    return (values, parse) => {
      this.#rowsSeen = true;
      const row = Object.create(prototype ?? null) as Record<string, unknown>;
      for (let at = 0; at < columns.length; at++) {
        const { property, parse: read } = columns[at] as Column;
        const value = values[at];
        row[property] = parse && value !== null ? read(value as string) : value;
      }
      return prototype === undefined ? watched(row, used) : row;
    };
  }
}

/** A row that remembers which of its columns were used. */
function watched(row: object, used: Set<string>): object {
  return new Proxy(row, {
    get(target, key) {
      if (typeof key === 'string' && Object.hasOwn(target, key)) used.add(key);
      return Reflect.get(target, key) as unknown;
    },
  });
}
