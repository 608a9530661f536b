import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { CaptureRequest, ChargeOutcome, ChargeRequest, MovementRequest } from '../../src/processors/port.ts';
import { SandboxBooks } from '../../src/processors/sandbox/books.ts';
import { Sandbox, type SandboxOptions } from '../../src/processors/sandbox/sandbox.ts';
import { cloneDatabase, openPool, type TestDatabase } from '../harness/database.ts';

/** What the books hold of a charge, as far as money goes. */
export interface Row {
  readonly status: string;
  readonly captured: bigint;
  readonly released: bigint;
  readonly refunded: bigint;
  /** Whether something is still to become of it. */
  readonly open: boolean;
}

export const AMOUNT = 1000n;

const MERCHANT = 'merchant';

/** A charge that was made, and what the sandbox said of it. */
export interface Made {
  readonly key: string;
  readonly reference: string;
  readonly outcome: ChargeOutcome;
}

/** A sandbox on a database of its own, and the merchant at it. */
export class Bench {
  readonly pool: pg.Pool;
  readonly books: SandboxBooks;
  readonly sandbox: Sandbox;
  readonly #database: TestDatabase;

  constructor(database: TestDatabase, options: SandboxOptions) {
    this.#database = database;
    this.pool = openPool(database.connection, 20);
    this.books = new SandboxBooks(this.pool, options);
    this.sandbox = new Sandbox(this.books, options);
  }

  /** The request for a charge, whose card was exchanged for a token. */
  async request(number: string, request: Partial<ChargeRequest> = {}): Promise<ChargeRequest> {
    const card = { number, expMonth: 12, expYear: 2040, cvc: '123', holderName: null };
    const tokenized = await this.sandbox.tokenize({ merchant: MERCHANT, card });
    if (tokenized.kind !== 'tokenized') throw new Error(`${number} is ${tokenized.kind}`);
    return {
      merchant: MERCHANT,
      key: randomUUID(),
      token: tokenized.token,
      amount: AMOUNT,
      currency: 'EUR',
      captureNow: true,
      offSession: false,
      initiator: 'CUSTOMER',
      statementDescriptor: null,
      returnUrl: 'https://shop.example/back',
      paymentId: `pay_${randomUUID()}`,
      keepReference: () => Promise.resolve(true),
      ...request,
    };
  }

  async charge(number: string, request: Partial<ChargeRequest> = {}): Promise<Made> {
    const made = await this.request(number, request);
    const outcome = await this.sandbox.charge(made);
    const { rows } = await this.pool.query<{ id: string }>('SELECT id FROM sandbox_charge WHERE key = $1', [made.key]);
    return { key: made.key, reference: rows[0]?.id ?? '', outcome };
  }

  authorize(number: string): Promise<Made> {
    return this.charge(number, { captureNow: false });
  }

  lookUp({ key }: { key: string }) {
    return this.sandbox.lookUpCharge({ merchant: MERCHANT, key, reference: null, isLanded: true });
  }

  lookUpMovement(key: string) {
    return this.sandbox.lookUpMovement({
      merchant: MERCHANT,
      key,
      reference: null,
      isLanded: true,
      kind: 'CAPTURE',
      chargeReference: '',
      amount: AMOUNT,
      currency: 'EUR',
    });
  }

  capture(made: Made, amount: bigint, { final = false, key }: Partial<Pick<CaptureRequest, 'final' | 'key'>> = {}) {
    return this.sandbox.capture({ ...this.movement(made, amount, key), final });
  }

  void(made: Made, key?: string) {
    return this.sandbox.void(this.movement(made, AMOUNT, key));
  }

  refund(made: Made, amount: bigint, key?: string) {
    return this.sandbox.refund(this.movement(made, amount, key));
  }

  movement({ reference }: Made, amount: bigint, key: string = randomUUID()): MovementRequest {
    return { merchant: MERCHANT, key, chargeReference: reference, amount, currency: 'EUR' };
  }

  /** Lets time pass until everything that is to happen next has happened. */
  async elapse(): Promise<void> {
    await this.makeDue();
    await this.books.advance();
  }

  /** Lets time pass, and nobody has looked yet. */
  async makeDue(): Promise<void> {
    for (const table of ['sandbox_charge', 'sandbox_movement']) {
      await this.pool.query(`UPDATE ${table} SET next_at = now() - interval '1 s' WHERE next_at IS NOT NULL`);
    }
  }

  /** Lets time pass until all that was captured is paid out. */
  async settle(): Promise<void> {
    for (const table of ['sandbox_charge', 'sandbox_movement']) {
      await this.pool.query(`UPDATE ${table} SET settles_at = now() - interval '1 s' WHERE settles_at IS NOT NULL`);
    }
    await this.books.advance();
  }

  async row({ key }: { key: string }): Promise<Row> {
    const { rows } = await this.pool.query<Record<'captured' | 'released' | 'refunded', string> & Row>(
      `SELECT status, amount_captured AS captured, amount_released AS released, amount_refunded AS refunded,
         next_status IS NOT NULL AS open
       FROM sandbox_charge WHERE key = $1`,
      [key],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('there is no such charge');
    return {
      ...row,
      captured: BigInt(row.captured),
      released: BigInt(row.released),
      refunded: BigInt(row.refunded),
    };
  }

  /** Charges whose amounts contradict themselves, or the movements that they come from. */
  async inconsistent(): Promise<unknown[]> {
    const { rows } = await this.pool.query<object>(
      `SELECT charge.*, took.* FROM sandbox_charge AS charge, LATERAL (
         SELECT coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captures,
                coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunds
         FROM sandbox_movement AS movement
         WHERE movement.merchant = charge.merchant AND charge_id = charge.id AND movement.status <> 'failed'
       ) AS took
       WHERE least(amount_captured, amount_released, amount_refunded) < 0
          OR amount_captured + amount_released > amount
          OR amount_refunded <> refunds
          OR amount_captured <> CASE WHEN NOT capture_now THEN captures WHEN status = 'approved' THEN amount ELSE 0 END
          OR (next_status IS NULL) <> (next_at IS NULL)
          OR (status = 'approved' AND NOT capture_now
              AND (next_status IS NULL) <> (amount_captured + amount_released = amount))
          OR (settles_at IS NULL) = (settled_at IS NULL) AND capture_now AND status = 'approved'
          OR (settles_at IS NOT NULL AND NOT (capture_now AND status = 'approved'))
          OR EXISTS (SELECT FROM sandbox_movement AS movement
             WHERE movement.merchant = charge.merchant AND charge_id = charge.id
               AND CASE WHEN kind = 'capture' AND movement.status = 'succeeded'
                        THEN (movement.settles_at IS NULL) = (movement.settled_at IS NULL)
                        ELSE movement.settles_at IS NOT NULL END)
          OR (status IN ('voided', 'expired', 'reversed') AND amount_captured + amount_released <> amount)`,
    );
    return rows;
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.#database.drop();
  }
}

/** One sandbox for the tests of a file; after each of them its books are gone through. */
export function useBench(options: SandboxOptions = {}): () => Bench {
  let bench: Bench | undefined;
  beforeAll(async () => {
    bench = new Bench(await cloneDatabase(), options);
  });
  afterEach(async () => expect(await bench?.inconsistent()).toEqual([]));
  afterAll(() => bench?.close());
  return () => {
    if (bench === undefined) throw new Error('the sandbox is asked for before it was opened');
    return bench;
  };
}
