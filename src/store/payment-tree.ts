import { parse as parseArray } from 'postgres-array';
import type { Payment } from '../../generated/prisma/client.ts';
import { Branch } from './branch.ts';
import { columnOf, ROW_TYPES } from './columns.ts';
import type { Database } from './database.ts';
import { GatheredReads } from './gathered-reads.ts';
import type { Loaders } from './loaders.ts';
import type { Range } from './lists.ts';
import { preparedAtFirst, tableOf, type Column, type Model, type Statement } from './rows.ts';

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

/** One payment that a request asks for. */
interface Wanted {
  readonly environmentId: string;
  readonly id: string;
}

/** A payment with what came with it, in the order of the tree's names. Several requests may have the same: nobody changes it. */
interface Family {
  readonly payment: Payment;
  readonly relations: readonly (readonly object[])[];
}

const BY_IDS = { condition: 'payment.environment_id = $1 AND payment.id = ANY($2::uuid[])', rest: '' };

/** What one place in a document asks for of payments. */
export class PaymentTree {
  readonly #names: readonly RelationName[];
  readonly #payment: Branch;
  readonly #branches: readonly Branch[];
  readonly #reads = new WeakMap<Database, GatheredReads<Wanted, Family | undefined>>();
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
  async read(database: Database, loaders: Loaders, range: Range): Promise<Payment[]> {
    const families = await this.#read(database, range);
    return families.map((family) => this.#bring(loaders, family));
  }

  /** The same for one payment by its id, read with those that others ask for; null where there is none. */
  async find(database: Database, loaders: Loaders, wanted: Wanted): Promise<Payment | null> {
    let reads = this.#reads.get(database);
    if (reads === undefined)
      this.#reads.set(database, (reads = new GatheredReads((all) => this.#findAll(database, all))));
    const family = await reads.load(wanted);
    return family === undefined ? null : this.#bring(loaders, family);
  }

  #bring(loaders: Loaders, { payment, relations }: Family): Payment {
    for (const [at, rows] of relations.entries()) {
      RELATIONS[this.#names[at] as RelationName].bring(loaders, payment, rows as never[]);
    }
    return payment;
  }

  async #findAll(database: Database, wanted: readonly Wanted[]): Promise<(Family | undefined)[]> {
    const found = new Map<string, Family>();
    for (const [environmentId, those] of Map.groupBy(wanted, (each) => each.environmentId)) {
      const ids = [...new Set(those.map(({ id }) => id))];
      const families = await this.#read(database, { ...BY_IDS, values: [environmentId, ids] });
      for (const family of families) found.set(`${environmentId} ${family.payment.id}`, family);
    }
    return wanted.map(({ environmentId, id }) => found.get(`${environmentId} ${id}`));
  }

  async #read({ pool }: Database, range: Range): Promise<Family[]> {
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
    return rows.map((values) => ({
      payment: makePayment(values, false) as Payment,
      relations: makers.map((make, at) => rowsIn(values[ownColumns + at] as string).map((each) => make(each, true))),
    }));
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
