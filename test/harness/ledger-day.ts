import {
  ReconcileDayDocument,
  ReconciliationsDocument,
  type ReconcileDayInput,
} from '../../generated/operations/graphql.ts';
import { dayOf, stretchOf } from '../../src/domain/day.ts';
import { encodeId } from '../../src/domain/ids.ts';
import { Bookkeeper } from '../../src/due/reconciliation.ts';
import { newId } from '../../src/new-id.ts';
import { runOf } from '../../src/payments/reconcile-day.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { addRuns } from '../../src/store/reconciliation.ts';
import { only, type TestGateway } from './gateway.ts';
import { Till } from './till.ts';
import { until } from './until.ts';

const HOUR_MS = 3_600_000;

/** A merchant of its own with a day's business in the sandbox, which is compared when it is over. */
export class LedgerDay {
  readonly till: Till;
  /** The gateway, for whoever has this merchant's key. */
  readonly client: TestGateway;
  readonly environmentId: string;
  readonly #gateway: TestGateway;
  readonly #key: string;
  /** Three days before: no gateway compares that day by itself, and nothing of a test happens at midnight. */
  readonly day = dayOf(new Date(Date.now() - 72 * HOUR_MS));

  private constructor(gateway: TestGateway, environmentId: string, key: string) {
    this.#gateway = gateway;
    this.environmentId = environmentId;
    this.#key = key;
    this.client = { ...gateway, keys: { ...gateway.keys, test: key } };
    this.till = new Till(() => this.client);
  }

  static async open(gateway: TestGateway): Promise<LedgerDay> {
    const { database } = gateway.app.gateway;
    const { test } = await addAccount(database, { name: 'A day', newId });
    return new LedgerDay(gateway, test.id, await addKey(database, { id: newId(), environment: test, name: 'day' }));
  }

  /** Runs a statement that knows the environment as $1, as a text. @returns how many rows it was about */
  async plant(statement: string, ...values: unknown[]): Promise<number> {
    const { pool } = this.#gateway.app.gateway.database;
    return (await pool.query(statement, [this.environmentId, ...values])).rowCount ?? 0;
  }

  /** Waits until nothing is under way on either side. */
  async settle(): Promise<void> {
    await until(async () => {
      const open = await this.plant(
        // What was told too soon after its operation's end is asked about once more.
        `SELECT FROM operation WHERE environment_id::text = $1
           AND (status <> 'COMPLETED' OR recover_at < now() + interval '1 minute')
         UNION ALL SELECT FROM sandbox_charge WHERE merchant = $1 AND (notify OR next_at < now() + interval '1 minute')
         UNION ALL SELECT FROM sandbox_movement WHERE merchant = $1 AND (notify OR next_at < now() + interval '1 minute')`,
      );
      return open === 0;
    });
  }

  /**
   * The day goes by: all that has happened so far happened at its noon.
   * @param atMs into the day
   * @returns how many milliseconds that was before
   */
  async pass(atMs = 12 * HOUR_MS): Promise<number> {
    const byMs = Date.now() - (Date.parse(this.day) + atMs);
    const back = (column: string) => `${column} = ${column} - make_interval(secs => ${byMs} / 1000.0)`;
    const ours = ['created_at', 'updated_at'].map(back).join(', ');
    for (const table of ['payment', 'attempt', 'refund', 'capture']) {
      await this.plant(`UPDATE ${table} SET ${ours} WHERE environment_id::text = $1`);
    }
    await this.plant(
      `UPDATE operation SET ${back('created_at')}, ${back('call_deadline')} WHERE environment_id::text = $1`,
    );
    for (const table of ['sandbox_charge', 'sandbox_movement']) {
      await this.plant(`UPDATE ${table} SET ${back('created_at')} WHERE merchant = $1`);
    }
    return byMs;
  }

  async reconcile(input: Partial<ReconcileDayInput> = {}) {
    const variables = { input: { day: this.day, ...input } };
    return (await this.#gateway.execute(ReconcileDayDocument, variables, { key: this.#key })).reconcileDay;
  }

  /** Puts a run down that nobody takes on for so long, unless they know it. @returns its id */
  async putDown(reservedMs: number): Promise<string> {
    const { gateway } = this.#gateway.app;
    const place = { environmentId: this.environmentId, processor: 'sandbox', processorAccountId: null };
    const stretch = stretchOf(this.day);
    if (stretch === undefined) throw new Error('a day that is none');
    const run = runOf(gateway, place, stretch, { daily: false, createdBy: 'test' });
    reserved.push(run.id);
    await addRuns(gateway.database, [run], reservedMs);
    return encodeId('Reconciliation', run.id);
  }

  /** The newest first. */
  async runs(variables: { differences?: number; afterDifference?: string } = {}) {
    const whole = { first: null, after: null, differences: null, afterDifference: null, ...variables };
    const answer = await this.#gateway.execute(ReconciliationsDocument, whole, { key: this.#key });
    return answer.reconciliations.edges.map(({ node: { differences, ...run } }) => ({
      ...run,
      differences: differences.edges.map(({ node }) => node),
      page: differences.pageInfo,
      count: differences.totalCount,
    }));
  }

  /** Compares the day, and waits until that is over. */
  async compared(input: Partial<ReconcileDayInput> = {}) {
    const { id } = only(await this.reconcile(input), 'ReconcileDayPayload').reconciliation;
    await this.keepBooks();
    return until(async () => (await this.runs()).find((run) => run.id === id && run.finishedAt !== null));
  }

  /** A round at once: the gateway's own would come within seconds. What that one has taken on is waited for. */
  async keepBooks(now?: Date): Promise<void> {
    const { gateway } = this.#gateway.app;
    const bookkeeper = new Bookkeeper(now === undefined ? gateway : { ...gateway, now: () => now });
    await bookkeeper.run(new AbortController().signal);
    await until(async () => {
      const { rowCount } = await gateway.database.pool.query(
        `SELECT FROM reconciliation WHERE (status = 'WAITING' AND due_at <= now())
           OR (status = 'RUNNING' AND NOT (tries = 1 AND id = ANY ($1)))`,
        [reserved],
      );
      return rowCount === 0;
    });
  }
}

/** Runs that tests begin by themselves. */
const reserved: string[] = [];
