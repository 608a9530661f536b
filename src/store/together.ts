import { AsyncLocalStorage } from 'node:async_hooks';
import DataLoader from 'dataloader';
import type pg from 'pg';
import { asError, gather } from './gather.ts';
import {
  end,
  isConsequence,
  isHumanIdTaken,
  NeedsItsOwn,
  OpenTransaction,
  rollBack,
  transact,
  TRIES_MAX,
  type Ending,
  type Queries,
  type SetBased,
  type Transaction,
  type Work,
} from './transaction.ts';

/**
 * Work that arrives at the same time is done in one transaction: a DataLoader for writes. Each piece of work is written as
 * if it were alone; those of one kind ask for the same statements at the same time, and these are set-based, so that 64
 * payments take as many round trips and commits as one. What cannot be done together is done one by one.
 */
export interface Together {
  /**
   * @param kind work of one kind takes the same statements in the same order
   * @param subjects what the work looks at and changes: no two pieces of work with a subject in common share a transaction,
   * because neither would see what the other has decided
   * @throws what `transact` throws
   */
  <T>(kind: string, subjects: readonly string[], work: Work<T>): Promise<T>;
}

interface Piece {
  readonly subjects: readonly string[];
  readonly work: Work<unknown>;
}

/**
 * Two at a time, each half as large, made 0.93 as many payments (22 turns beside each other on two cores), at 1.14 of
 * PostgreSQL's CPU.
 */
export const TRANSACTIONS_AT_ONCE = 1;
/** One may wait for a lock, and who comes after it is not to wait with it. */
const TRANSACTIONS_BESIDE_SLOW = 1;

/**
 * Who shares a transaction waits for no lock for long: everybody in it would. 500 ms are shorter than PostgreSQL takes to
 * notice a deadlock. What is asked for together is found by its keys, however many: planned once, it is not planned again.
 */
const BEGIN_SHARED = `BEGIN; SET LOCAL lock_timeout = '500ms'; SET LOCAL plan_cache_mode = force_generic_plan`;

interface Options {
  /** How many transactions of one kind may be open. */
  readonly atOnce: number;
  readonly onUndone: OnUndone;
}

/** Told why what was done together was undone, of how many: each of them is run alone then. */
export type OnUndone = (reason: Error, pieces: number) => void;

export function workTogether(pool: pg.Pool, { atOnce, onUndone }: Options): Together {
  const lanes = { atOnce, besideSlow: TRANSACTIONS_BESIDE_SLOW };
  const queues = new Map<string, (piece: Piece) => Promise<Ending<unknown> | undefined>>();
  return async <T>(kind: string, subjects: readonly string[], work: Work<T>): Promise<T> => {
    const queue = queues.get(kind) ?? gather(lanes, (pieces: readonly Piece[]) => runAll(pool, pieces, onUndone));
    queues.set(kind, queue);
    // Whatever it tells, it tells for its own request, and not for the one whose transaction it shares.
    const ending = await queue({ subjects, work: AsyncLocalStorage.bind(work) });
    // What has to wait keeps nobody else waiting here: the others have gone on.
    return ending === undefined ? transact({ pool }, work) : (ending.value as T);
  };
}

type Endings = readonly (Ending<unknown> | undefined)[];

/** @returns how each piece ended; undefined where it is to be run alone */
async function runAll(
  pool: pg.Pool,
  pieces: readonly Piece[],
  onUndone: OnUndone,
): Promise<(Ending<unknown> | undefined | Error)[]> {
  const results = new Map<Piece, Ending<unknown> | undefined | Error>();
  for (const part of withoutCommonSubjects(pieces)) {
    const endings = await runShared(pool, part, onUndone).catch(asError);
    for (const [index, piece] of part.entries()) {
      results.set(piece, endings instanceof Error ? endings : endings?.[index]);
    }
  }
  return pieces.map((piece) => results.get(piece));
}

/** The same pieces, in as many parts as it takes to have no subject twice in one. */
function withoutCommonSubjects(pieces: readonly Piece[]): Piece[][] {
  const parts: { readonly pieces: Piece[]; readonly subjects: Set<string> }[] = [];
  for (const piece of pieces) {
    let part = parts.find(({ subjects }) => piece.subjects.every((subject) => !subjects.has(subject)));
    if (part === undefined) parts.push((part = { pieces: [], subjects: new Set() }));
    part.pieces.push(piece);
    for (const subject of piece.subjects) part.subjects.add(subject);
  }
  return parts.map((part) => part.pieces);
}

/**
 * Runs pieces of work in one transaction; again together where the next try draws other human ids: with a million payments,
 * one transaction of 64 in 12 draws one that is taken.
 * @returns how each ended, undefined for one that needs its own; undefined where all was undone, because one has failed
 * @throws if nobody can tell whether it was committed, or there is no connection
 */
async function runShared(pool: pg.Pool, pieces: readonly Piece[], onUndone: OnUndone): Promise<Endings | undefined> {
  for (let tries = 1; ; tries++) {
    const endings = await tryShared(pool, pieces);
    if (!(endings instanceof Error)) return endings;
    if (tries === TRIES_MAX || !isHumanIdTaken(endings)) {
      onUndone(endings, pieces.length);
      return undefined;
    }
  }
}

/**
 * @returns how each ended; why all was undone
 * @throws if nobody can tell whether it was committed, or there is no connection
 */
async function tryShared(pool: pg.Pool, pieces: readonly Piece[]): Promise<Endings | Error> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const open = new OpenTransaction(client, BEGIN_SHARED);
    const endings = await workOn(open, pieces).catch(asError);
    if (endings instanceof Error) {
      broken = await rollBack(client);
      return endings;
    }
    const undone = await end(open, endings).catch((error: unknown) => {
      broken = asError(error);
      throw broken;
    });
    if (undone === undefined) return endings;
    broken = await rollBack(client);
    return undone;
  } finally {
    client.release(broken);
  }
}

async function workOn(open: OpenTransaction, pieces: readonly Piece[]): Promise<Endings> {
  const shared = new SharedTransaction(open);
  const settled = await Promise.allSettled(pieces.map(({ work }) => shared.run(work)));
  const reasons = settled.filter((each) => each.status === 'rejected').map(({ reason }) => asError(reason));
  const reason = reasons.find((each) => !isConsequence(each)) ?? reasons[0];
  if (reason !== undefined) throw reason;
  return settled.map((each) => (each.status === 'fulfilled' ? each.value : undefined));
}

class SharedTransaction {
  readonly #queries: Queries;
  readonly #loaders = new Map<unknown, DataLoader<unknown, unknown>>();

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** @returns undefined for work that needs a transaction of its own: it has left nothing in this one */
  async run<T>(work: Work<T>): Promise<Ending<T> | undefined> {
    const undos: (() => Promise<unknown>)[] = [];
    const transaction: Transaction = {
      query: this.#queries.query,
      together: (statement, key) => this.#together(statement, key),
      onRefusal: (undo) => void undos.push(undo),
      alone: () => {
        throw new NeedsItsOwn('others share this transaction');
      },
    };
    let ending: Ending<T> | undefined;
    try {
      ending = await work(transaction);
    } catch (error) {
      if (!(error instanceof NeedsItsOwn)) throw error;
    }
    if (ending?.commit !== true) for (const undo of undos) await undo();
    return ending;
  }

  #together<K, V>(statement: SetBased<K, V>, key: K): Promise<V> {
    const known = this.#loaders.get(statement) as DataLoader<K, V> | undefined;
    const loader = known ?? new DataLoader<K, V>((keys) => statement(this.#queries, keys), { cache: false });
    if (known === undefined) this.#loaders.set(statement, loader);
    return loader.load(key);
  }
}
