import { parse as parseArray } from 'postgres-array';
import type { Payment } from '../../generated/prisma/client.ts';
import { columnOf, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import type { Loaders } from './loaders.ts';
import type { Range } from './lists.ts';
import { columnsOf, preparedAtFirst, tableOf, type Column, type Model, type Statement } from './rows.ts';

/**
 * Payments with what belongs to them in one statement, and of each row only what is asked for: a page of twenty takes a
 * third of what four statements for whole rows take. Which columns that are is not written down anywhere. A tree stands for
 * one place in one document; the first time it reads whole rows and sees which columns are used, and from then on it reads
 * those. A row that is asked for any other column has it not: `misses` tells, what was made of it counts for nothing, and the
 * tree looks anew. The row does not throw, because what graphql-jit has compiled reads rows where nothing catches.
 */

interface Relation {
  readonly model: Model;
  /** The column of the payment that names it, or the column of theirs that names the payment, and their order. */
  readonly by: { readonly one: string } | { readonly many: string; readonly order: readonly string[] };
  readonly bring: (loaders: Loaders, payment: Payment, rows: never[]) => void;
}

const OF_PAYMENT = 'paymentId';

/** What a payment can bring with it, by the name of its field. */
const RELATIONS = {
  customer: {
    model: 'Customer',
    by: { one: 'customerId' },
    bring: (loaders, { customerId }, [row]) => row && loaders.customer.bring(customerId ?? '', row),
  },
  paymentMethod: {
    model: 'PaymentMethod',
    by: { one: 'paymentMethodId' },
    bring: (loaders, { paymentMethodId }, [row]) => row && loaders.paymentMethod.bring(paymentMethodId ?? '', row),
  },
  attempts: {
    model: 'Attempt',
    by: { many: OF_PAYMENT, order: ['number'] },
    bring: (loaders, { id }, rows) => loaders.attemptsOfPayment.bring(id, rows),
  },
  captures: {
    model: 'Capture',
    by: { many: OF_PAYMENT, order: ['createdAt', 'id'] },
    bring: (loaders, { id }, rows) => loaders.capturesOfPayment.bring(id, rows),
  },
  refunds: {
    model: 'Refund',
    by: { many: OF_PAYMENT, order: ['createdAt', 'id'] },
    bring: (loaders, { id }, rows) => loaders.refundsOfPayment.bring(id, rows),
  },
  destinations: {
    model: 'PaymentDestination',
    by: { many: OF_PAYMENT, order: ['position'] },
    bring: (loaders, { id }, rows) => loaders.destinationsOfPayment.bring(id, rows),
  },
} as const satisfies Record<string, Relation>;

export type RelationName = keyof typeof RELATIONS;

export const RELATION_NAMES = Object.keys(RELATIONS) as RelationName[];

/** The rows of one model in a tree, and what is known of their use. */
class Branch {
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

/** What one place in a document asks for of payments. */
export class PaymentTree {
  readonly #names: readonly RelationName[];
  readonly #payment: Branch;
  readonly #branches: readonly Branch[];
  /** The last statement, with what it was made of: as a rule the next one is the same. */
  #last: { readonly columns: readonly (readonly Column[])[]; readonly range: string; readonly statement: Statement };

  constructor(names: readonly RelationName[]) {
    this.#names = names;
    const keys = names.flatMap((name) => ('one' in RELATIONS[name].by ? [RELATIONS[name].by.one] : []));
    this.#payment = new Branch('Payment', ['id', ...keys]);
    this.#branches = names.map((name) => new Branch(RELATIONS[name].model, []));
    this.#last = { columns: [], range: '', statement: { text: '' } };
  }

  /** How often rows were asked for what was not read. */
  get misses(): number {
    return this.#branches.reduce((sum, branch) => sum + branch.misses, this.#payment.misses);
  }

  /** All went well with what was read: what was used of it is what is read the next time. */
  learn(): void {
    this.#payment.learn();
    for (const branch of this.#branches) branch.learn();
  }

  /** Reads payments, and gives the loaders what has come with them. */
  async read({ pool }: Database, loaders: Loaders, range: Range): Promise<Payment[]> {
    const statement = this.#statementFor(range);
    const ownColumns = this.#payment.columns.length;
    const makePayment = this.#payment.maker();
    const makers = this.#branches.map((branch) => branch.maker());
    const { rows } = await pool.query<unknown[]>({
      ...statement,
      values: [...range.values],
      types: ROW_TYPES,
      rowMode: 'array',
    });
    return rows.map((values) => {
      const payment = makePayment(values, false) as Payment;
      for (let at = 0; at < makers.length; at++) {
        const brought = rowsIn(values[ownColumns + at] as string).map((each) => makers[at]?.(each, true));
        RELATIONS[this.#names[at] as RelationName].bring(loaders, payment, brought as never[]);
      }
      return payment;
    });
  }

  #statementFor({ condition, rest }: Range): Statement {
    const range = `${condition} ${rest}`;
    const columns = [this.#payment, ...this.#branches].map((branch) => branch.columns);
    const isSame = range === this.#last.range && columns.every((each, at) => each === this.#last.columns[at]);
    if (isSame) return this.#last.statement;
    const own = this.#payment.columns.map(({ name }) => `payment.${name}`);
    const nested = this.#names.map((name, at) => nestedRows(RELATIONS[name], columns[at + 1] ?? []));
    const statement = preparedAtFirst(`SELECT ${[...own, ...nested].join(', ')} FROM payment WHERE ${range}`);
    this.#last = { columns, range, statement };
    return statement;
  }
}

/**
 * The rows of a relation as the text of an array of arrays of texts, which costs less to write and to read than JSON does.
 * A table's rows are found by its index, from the payment that has been read.
 */
function nestedRows({ model, by }: Relation, columns: readonly Column[]): string {
  const table = tableOf(model);
  const texts = columns.map(({ name }) => `${table}.${name}::text`);
  const [join, order] =
    'one' in by
      ? [`${table}.id = payment.${columnOf(by.one)}`, '']
      : [
          `${table}.${columnOf(by.many)} = payment.id`,
          `ORDER BY ${by.order.map((name) => `${table}.${columnOf(name)}`).join(', ')}`,
        ];
  return `array(SELECT array[${texts.join(', ')}] FROM ${table} WHERE ${table}.environment_id = $1 AND ${join} ${order})::text`;
}

/** Not left to pg, whose own parser of arrays is an older one that takes four times as long. */
function rowsIn(text: string): (string | null)[][] {
  // Its types do not know of arrays in arrays.
  return text === '{}' ? [] : (parseArray(text) as unknown as (string | null)[][]);
}
