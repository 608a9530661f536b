import type { Processor } from '../../../src/processors/port.ts';
import { cloneDatabase } from '../../harness/database.ts';
import { Interposed } from '../../harness/interposed.ts';
import { doneThenLost, lost } from '../../harness/stand-ins.ts';
import { Bench } from '../bench.ts';
import { MERCHANT, type CardKind, type ContractBench, type Fault, type Money } from './bench.ts';

const NUMBERS: Readonly<Record<CardKind, string>> = {
  approved: '4242424242424242',
  generic_decline: '4000000000000002',
  insufficient_funds: '4000000000009995',
  lost_card: '4000000000009987',
  stolen_card: '4000000000009979',
  card_velocity_exceeded: '4000000000006975',
  expired_card: '4000000000000069',
  incorrect_cvc: '4000000000000127',
  processing_error: '4000000000000119',
  challenged: '4000000000003220',
  challenged_then_declined: '4000008400001629',
  pending_then_approved: '4000000000001018',
  pending_then_declined: '4000000000001067',
  refund_pending: '4000000000007726',
  refund_fails_later: '4000000000005126',
};

/** The sandbox, on a database of its own. */
export class SandboxBench implements ContractBench {
  readonly processor: Processor;
  readonly #bench: Bench;
  readonly #interposed = new Interposed();

  private constructor(bench: Bench) {
    this.#bench = bench;
    this.processor = this.#interposed.processor(bench.sandbox);
  }

  static async open(): Promise<SandboxBench> {
    return new SandboxBench(new Bench(await cloneDatabase(), {}));
  }

  close(): Promise<void> {
    return this.#bench.close();
  }

  async tokenOf(kind: CardKind): Promise<string> {
    const card = { number: NUMBERS[kind], expMonth: 12, expYear: 2040, cvc: '123', holderName: null };
    const tokenized = await this.#bench.sandbox.tokenize({ merchant: MERCHANT, card });
    if (tokenized.kind !== 'tokenized') throw new Error(`${kind} is ${tokenized.kind}`);
    return tokenized.token;
  }

  async act(url: string, passed: boolean): Promise<void> {
    await this.#bench.books.completeAction(new URL(url).pathname.split('/').at(-1) ?? '', passed);
  }

  elapse(): Promise<void> {
    return this.#bench.elapse();
  }

  mend(): Promise<void> {
    this.#interposed.use({});
    return Promise.resolve();
  }

  async money(keys: readonly string[]): Promise<Money> {
    const { rows } = await this.#bench.pool.query<Record<keyof Money, string>>(
      `SELECT count(*) AS charges, coalesce(sum(amount - amount_captured - amount_released), 0) AS held,
         coalesce(sum(amount_captured), 0) AS captured, coalesce(sum(amount_refunded), 0) AS refunded
       FROM sandbox_charge WHERE key = ANY($1) AND status = 'approved'`,
      [keys],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('a sum has no row');
    return {
      charges: Number(row.charges),
      held: BigInt(row.held),
      captured: BigInt(row.captured),
      refunded: BigInt(row.refunded),
    };
  }

  /** The sandbox does not break by itself: what breaks is the way there, or back. */
  static faults(bench: () => SandboxBench): Fault[] {
    const operations = ['charge', 'capture', 'void', 'refund'] as const;
    return operations.flatMap((operation) =>
      Object.entries({ 'the request is lost': lost, 'the answer is lost': doneThenLost }).map(([name, standIn]) => ({
        name,
        operation,
        arrange: () => {
          bench().#interposed.use({ [operation]: standIn });
          return undefined;
        },
      })),
    );
  }
}
