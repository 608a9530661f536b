import type { Pool } from 'pg';
import type { StatementLine } from '../port.ts';
import { chargeOf, type Charge, type ChargeRow, type Movement, type NewCharge, type NewMovement } from './records.ts';
import {
  addCards,
  addCharges,
  addMovements,
  oneByOne,
  readCards,
  readCardsOfCharges,
  readCharges,
  readMovements,
  type CardRow,
  type Gather,
} from './gathered.ts';
import { ADVANCE_CHARGES, ADVANCE_MOVEMENTS, CHARGE_COLUMNS, COMPLETE_ACTION, SETTLE } from './statements.ts';
import { STATEMENT, statementLine, type StatementRow } from './statement.ts';

/** A change that the gateway has not acknowledged. */
export interface Change {
  readonly merchant: string;
  readonly key: string;
  /** Which state of the row: an acknowledgement is of this one, not of what came after it. */
  readonly version: string;
}

export interface BooksOptions {
  /** How long an authorisation is held. Seven days by default. */
  readonly authorizationMs?: number;
  /** How long after a capture its money is paid out. 24 hours by default. */
  readonly settlementMs?: number;
  /** How what is asked for at the same time is booked in one statement. One by one by default. */
  readonly gather?: Gather;
}

const LANES = { atOnce: 2 };

const DEFAULT_AUTHORIZATION_MS = 7 * 24 * 3_600_000;
const DEFAULT_SETTLEMENT_MS = 24 * 3_600_000;

/** Lines of a statement that are read at once. */
const STATEMENT_PAGE = 500;

const UNIQUE_VIOLATION = '23505';

/**
 * The sandbox's own books: tables that nothing of the gateway refers to, written in transactions of their own,
 * as a real processor's are. Every statement is one transaction, so a dropped connection leaves all or nothing.
 */
export class SandboxBooks {
  readonly authorizationMs: number;
  readonly #settlementMs: number;
  readonly #pool: Pool;
  readonly #addCards: (card: CardRow) => Promise<void>;
  readonly #readCards: (card: Omit<CardRow, 'behavior'>) => Promise<string | undefined>;
  readonly #addCharges: (charge: NewCharge) => Promise<Charge | undefined>;
  readonly #readCharges: (charge: Pick<NewCharge, 'merchant' | 'key'>) => Promise<Charge | undefined>;
  readonly #readCardsOfCharges: (charge: Pick<NewMovement, 'merchant' | 'chargeId'>) => Promise<string | undefined>;
  readonly #addMovements: (movement: NewMovement) => Promise<Movement | undefined>;
  readonly #readMovements: (movement: Pick<NewMovement, 'merchant' | 'key'>) => Promise<Movement | undefined>;

  constructor(pool: Pool, options: BooksOptions = {}) {
    this.#pool = pool;
    const { gather = oneByOne } = options;
    this.#addCards = gather(LANES, (cards) => addCards(pool, cards));
    this.#readCards = gather(LANES, (cards) => readCards(pool, cards));
    this.#addCharges = gather(LANES, (charges) => addCharges(pool, charges, this.#settlementMs));
    this.#readCharges = gather(LANES, (charges) => readCharges(pool, charges));
    this.#readCardsOfCharges = gather(LANES, (charges) => readCardsOfCharges(pool, charges));
    this.#addMovements = gather(LANES, (movements) => addMovements(pool, movements, this.#settlementMs));
    this.#readMovements = gather(LANES, (movements) => readMovements(pool, movements));
    this.authorizationMs = options.authorizationMs ?? DEFAULT_AUTHORIZATION_MS;
    this.#settlementMs = options.settlementMs ?? DEFAULT_SETTLEMENT_MS;
  }

  async addCard(merchant: string, token: string, behavior: string): Promise<void> {
    await this.#addCards({ merchant, token, behavior });
  }

  /** The behaviour of the card behind a token; undefined for a token that this merchant was never given. */
  async readCard(merchant: string, token: string): Promise<string | undefined> {
    return this.#readCards({ merchant, token });
  }

  /** The behaviour of the card that a charge was made with. */
  async readCardOfCharge(merchant: string, chargeId: string): Promise<string | undefined> {
    return this.#readCardsOfCharges({ merchant, chargeId });
  }

  /** Books a charge; under a key that was used before it books nothing and answers the first charge. */
  async addCharge(charge: NewCharge): Promise<Charge> {
    const booked = (await this.#addCharges(charge)) ?? (await this.readCharge(charge.merchant, charge.key));
    if (booked === undefined) throw new Error('a charge that was just booked is gone');
    return booked;
  }

  async readCharge(merchant: string, key: string): Promise<Charge | undefined> {
    return this.#readCharges({ merchant, key });
  }

  /** The charge of an id, whichever merchant's: the payer who comes to it knows nothing of merchants. */
  async readChargeById(chargeId: string): Promise<Charge | undefined> {
    const { rows } = await this.#pool.query<ChargeRow>({
      name: 'sandbox_read_charge_by_id',
      text: `SELECT ${CHARGE_COLUMNS} FROM sandbox_charge WHERE id = $1`,
      values: [chargeId],
    });
    return rows[0] && chargeOf(rows[0]);
  }

  /**
   * The payer of a charge has passed 3-D Secure, or failed it. Whoever comes when it is over, expired or done before,
   * changes nothing.
   * @returns the charge as it then stands; undefined where there is none
   */
  async completeAction(chargeId: string, passed: boolean): Promise<Charge | undefined> {
    await this.#pool.query({
      name: 'sandbox_complete_action',
      text: COMPLETE_ACTION,
      values: [chargeId, passed, this.authorizationMs, this.#settlementMs],
    });
    return this.readChargeById(chargeId);
  }

  /**
   * Books a capture, void or refund if the charge has that much left, and answers it; under a key that was
   * used before, the first one. Undefined where the charge does not allow it: nothing is booked then.
   */
  async addMovement(movement: NewMovement): Promise<Movement | undefined> {
    const { merchant, key } = movement;
    try {
      const booked = await this.#addMovements(movement);
      if (booked !== undefined) return booked;
    } catch (error) {
      const isTaken = error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
      if (!isTaken) throw error;
      // The statement was undone whole, so the charge was taken from once: ON CONFLICT DO NOTHING would have kept
      // the second taking.
    }
    // It may have been booked under this key before, and have left the charge with too little.
    return this.readMovement(merchant, key);
  }

  async readMovement(merchant: string, key: string): Promise<Movement | undefined> {
    return this.#readMovements({ merchant, key });
  }

  /**
   * Lets happen what is due: what was captured is paid out, charges and movements become what they were to become, and
   * the gateway is to be told.
   */
  async advance(): Promise<void> {
    for (const statement of SETTLE) await this.#pool.query(statement);
    await this.#pool.query(ADVANCE_CHARGES, [this.authorizationMs, this.#settlementMs]);
    await this.#pool.query(ADVANCE_MOVEMENTS, [this.#settlementMs]);
  }

  /** The charges, and then the refunds, of a stretch of time, the oldest first: page by page, one statement each. */
  async *statement(merchant: string, from: Date, until: Date, signal: AbortSignal): AsyncGenerator<StatementLine> {
    for (const text of STATEMENT) {
      let page: StatementRow[];
      let after: Pick<StatementRow, 'createdAt' | 'reference'> = { createdAt: from, reference: '' };
      do {
        signal.throwIfAborted();
        const values = [merchant, after.createdAt, after.reference, until, STATEMENT_PAGE];
        page = (await this.#pool.query<StatementRow>({ text, values })).rows;
        yield* page.map(statementLine);
        after = page.at(-1) ?? after;
      } while (page.length === STATEMENT_PAGE);
    }
  }

  /** What is to be told to the gateway and has not been acknowledged. */
  async unacknowledged(limit: number): Promise<Change[]> {
    const { rows } = await this.#pool.query<Change>(
      `SELECT merchant, key, xmin::text AS version FROM sandbox_charge WHERE notify
       UNION ALL SELECT merchant, key, xmin::text FROM sandbox_movement WHERE notify LIMIT $1`,
      [limit],
    );
    return rows;
  }

  /** What has changed again since is told again. */
  async acknowledge(changes: readonly Change[]): Promise<void> {
    const values = [
      changes.map(({ merchant }) => merchant),
      changes.map(({ key }) => key),
      changes.map(({ version }) => version),
    ];
    for (const table of ['sandbox_charge', 'sandbox_movement']) {
      await this.#pool.query({
        name: `acknowledge_${table}`,
        // Whoever holds one of them changes it: waiting for several in no order would be a deadlock with who does the same.
        text: `UPDATE ${table} SET notify = false WHERE (merchant, key) IN (
                 SELECT booked.merchant, booked.key
                 FROM ${table} AS booked JOIN unnest($1::text[], $2::text[], $3::text[]) AS told (merchant, key, version)
                   ON booked.merchant = told.merchant AND booked.key = told.key AND booked.xmin::text = told.version
                 FOR NO KEY UPDATE OF booked SKIP LOCKED
               )`,
        values,
      });
    }
  }
}
