import pg from 'pg';
import { decline } from '../../src/domain/decline.ts';
import { rowTypeOf } from '../../src/store/given-rows.ts';
import { CRASH_POINTS, type CrashOrder, type Orders } from '../harness/crash-points.ts';
import { readGiven } from '../harness/given.ts';
import { Interposed } from '../harness/interposed.ts';

/** An operation as a transaction wrote it. */
interface Written {
  readonly payment_id: string;
  readonly processor_key: string;
  readonly kind: string;
  readonly status: string;
}

type Passing = { readonly call: 'before' | 'after' } | { readonly commit: 'before' | 'after' };
/** The gateway's own way to ask a client: a statement, its values, and who takes the answer. */
type Query = (this: pg.Client, ...args: unknown[]) => unknown;
type Take = (error: unknown, result?: unknown) => void;

/** The rows of operations among the parameters of a `write`. */
const OPERATION_ROWS = new RegExp(String.raw`unnest\(\$(\d+)::${rowTypeOf('operation')}\[\]\)`, 'g');

/**
 * Stops operations where it is told to, and ends this process when all of them stand there. The gateway knows nothing of
 * it: commits are met where they go to PostgreSQL, and calls on their way to the processor.
 */
export class Failpoints {
  readonly interposed = new Interposed();
  readonly #written = new Map<string, Written>();
  #orders: Orders = {};
  #standing = 0;

  constructor() {
    this.#meetCommits();
    this.obey({});
  }

  obey(orders: Orders): void {
    this.#orders = orders;
    const { calls = 'pass', lookUps = 'pass' } = orders;
    const call = async <T>({ key }: { key: string }, pass: () => Promise<T>) => {
      if (calls === 'lost') return { kind: 'unknown' } as const;
      const operation = this.#written.get(key);
      if (operation === undefined) throw new Error('a call of which nothing was written');
      await this.#pass({ call: 'before' }, [operation]);
      const answer = await pass();
      await this.#pass({ call: 'after' }, [operation]);
      return answer;
    };
    const lookUp = <T>(pass: () => Promise<T>) => (lookUps === 'pass' ? pass() : Promise.resolve({ kind: lookUps }));
    this.interposed.use({
      charge: (request, pass) =>
        calls === 'declined'
          ? Promise.resolve({ kind: 'declined', reference: null, decline: decline('processing_error') })
          : call(request, pass),
      capture: call,
      void: call,
      refund: call,
      lookUpCharge: (_, pass) => lookUp(pass),
      lookUpMovement: (_, pass) => lookUp(pass),
    });
  }

  #meetCommits(): void {
    const pass = (passing: Passing, written: readonly Written[]) => this.#pass(passing, written);
    const note = (written: Written) => this.#written.set(written.processor_key, written);
    const writtenBy = new WeakMap<pg.Client, Written[]>();
    const shared = new WeakSet<pg.Client>();
    const keepsOthersWaiting = (written: readonly Written[]) => this.#keepsOthersWaiting(written);
    const query = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query')?.value as Query;
    const commit = async (client: pg.Client, written: readonly Written[]): Promise<unknown> => {
      await pass({ commit: 'before' }, written);
      const result = await query.call(client, 'COMMIT');
      await pass({ commit: 'after' }, written);
      return result;
    };
    const meet: Query = function (...args) {
      const [first] = args;
      if (typeof first === 'string' && first.startsWith('BEGIN')) {
        writtenBy.set(this, []);
        if (first === 'BEGIN') shared.delete(this);
        else shared.add(this);
      }
      const written = writtenBy.get(this);
      if (written === undefined) return query.apply(this, args);
      const take = args.at(-1) as Take;
      if (first === 'COMMIT') {
        void commit(this, written).then((result) => take(null, result), take);
        return undefined;
      }
      const operations = operationsIn(first);
      // Undone, each of them is done alone, and those that are to come further come further.
      if (shared.has(this) && keepsOthersWaiting([...written, ...operations])) {
        process.nextTick(take, new Error('each is to stand alone'));
        return undefined;
      }
      for (const operation of operations) {
        written.push(operation);
        note(operation);
      }
      return query.apply(this, args);
    };
    Object.defineProperty(pg.Client.prototype, 'query', { value: meet });
  }

  /** Whether this operation has come to where it is to stop, as far as what was written of it says. */
  #isToStop({ payment_id, kind, status }: Written, { at, kinds }: CrashOrder): boolean {
    const point = CRASH_POINTS[at];
    return kind === (kinds[payment_id] ?? 'CHARGE') && ('call' in point || stepOf(status) === point.wrote);
  }

  /** Whether a transaction that has written these would stand still for some of them, and hold up the others. */
  #keepsOthersWaiting(written: readonly Written[]): boolean {
    const { crash } = this.#orders;
    if (crash === undefined || 'call' in CRASH_POINTS[crash.at]) return false;
    const stopped = written.filter((operation) => this.#isToStop(operation, crash)).length;
    return stopped > 0 && stopped < written.length;
  }

  /** Whoever is to stop here is never heard of again. */
  async #pass(passing: Passing, operations: readonly Written[]): Promise<void> {
    const { crash } = this.#orders;
    if (crash === undefined) return;
    const point = CRASH_POINTS[crash.at];
    const isHere =
      'call' in point ? 'call' in passing && passing.call === point.call : isAtCommit(passing, point.commit);
    const stopped = isHere ? operations.filter((operation) => this.#isToStop(operation, crash)) : [];
    if (stopped.length === 0) return;
    this.#standing += stopped.length;
    // As a power failure would: nothing is said, nothing is closed.
    if (this.#standing >= crash.count) process.kill(process.pid, 'SIGKILL');
    await new Promise(() => {});
  }
}

function isAtCommit(passing: Passing, commit: 'before' | 'after'): boolean {
  return 'commit' in passing && passing.commit === commit;
}

function stepOf(status: string): string {
  return status === 'COMPLETED' || status === 'PENDING' ? 'an end' : status;
}

function operationsIn(statement: unknown): Written[] {
  if (typeof statement !== 'object' || statement === null || !('text' in statement)) return [];
  const { text, values } = statement as pg.QueryConfig<string[]>;
  return [...text.matchAll(OPERATION_ROWS)].flatMap(
    ([, parameter]) => readGiven('operation', values?.[Number(parameter) - 1] ?? '{}') as unknown as Written[],
  );
}
