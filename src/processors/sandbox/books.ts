import type { Pool } from 'pg';

/**
 * The sandbox's own books: tables that nothing of the gateway refers to, written in transactions of their own,
 * as a real processor's are. Every statement is one transaction, so a dropped connection leaves all or nothing.
 */

export interface Charge {
  readonly id: string;
  readonly status: 'approved' | 'declined' | 'pending' | 'voided';
  readonly amount: bigint;
  readonly amountCaptured: bigint;
  readonly declineCode: string | null;
  readonly networkTransactionId: string;
}

export interface NewCharge {
  readonly merchant: string;
  readonly id: string;
  readonly key: string;
  readonly token: string;
  readonly status: Charge['status'];
  /** For a charge that is not approved at once: what it becomes, and in how many milliseconds. */
  readonly next: { readonly status: Charge['status']; readonly inMs: number } | null;
  readonly amount: bigint;
  readonly currency: string;
  readonly captureNow: boolean;
  readonly declineCode: string | null;
  readonly networkTransactionId: string;
}

export type MovementKind = 'capture' | 'void' | 'refund';
export type MovementStatus = 'succeeded' | 'pending' | 'failed';

export interface Movement {
  readonly id: string;
  readonly status: MovementStatus;
}

export interface NewMovement {
  readonly merchant: string;
  readonly id: string;
  readonly chargeId: string;
  readonly key: string;
  readonly kind: MovementKind;
  readonly status: MovementStatus;
  readonly next: { readonly status: MovementStatus; readonly inMs: number } | null;
  readonly amount: bigint;
  /** Of a capture: what it leaves is released. */
  readonly final: boolean;
}

export class SandboxBooks {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async addCard(merchant: string, token: string, behavior: string): Promise<void> {
    await this.#pool.query('INSERT INTO sandbox_card (merchant, token, behavior) VALUES ($1, $2, $3)', [
      merchant,
      token,
      behavior,
    ]);
  }

  /** The behaviour of the card behind a token; undefined for a token that this merchant was never given. */
  async readCard(merchant: string, token: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ behavior: string }>({
      name: 'sandbox_read_card',
      text: 'SELECT behavior FROM sandbox_card WHERE merchant = $1 AND token = $2',
      values: [merchant, token],
    });
    return rows[0]?.behavior;
  }

  /** The behaviour of the card that a charge was made with. */
  async readCardOfCharge(merchant: string, chargeId: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ behavior: string }>({
      name: 'sandbox_read_card_of_charge',
      text: `SELECT behavior FROM sandbox_card JOIN sandbox_charge USING (merchant, token)
             WHERE merchant = $1 AND sandbox_charge.id = $2`,
      values: [merchant, chargeId],
    });
    return rows[0]?.behavior;
  }

  /** Books a charge; under a key that was used before it books nothing and answers the first charge. */
  async addCharge(charge: NewCharge): Promise<Charge> {
    await this.#pool.query({
      name: 'sandbox_add_charge',
      text: `INSERT INTO sandbox_charge (merchant, id, key, token, status, next_status, next_at, amount, currency,
               capture_now, amount_captured, decline_code, network_transaction_id)
             VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7::float8 / 1000), $8, $9,
               $10, $11, $12, $13)
             ON CONFLICT (merchant, key) DO NOTHING`,
      values: [
        charge.merchant,
        charge.id,
        charge.key,
        charge.token,
        charge.status,
        charge.next?.status ?? null,
        charge.next?.inMs ?? null,
        charge.amount,
        charge.currency,
        charge.captureNow,
        charge.captureNow && charge.status === 'approved' ? charge.amount : 0n,
        charge.declineCode,
        charge.networkTransactionId,
      ],
    });
    const booked = await this.readCharge(charge.merchant, charge.key);
    if (booked === undefined) throw new Error('a charge that was just booked is gone');
    return booked;
  }

  async readCharge(merchant: string, key: string): Promise<Charge | undefined> {
    const { rows } = await this.#pool.query<ChargeRow>({
      name: 'sandbox_read_charge',
      text: `SELECT id, status, amount, amount_captured, decline_code, network_transaction_id
             FROM sandbox_charge WHERE merchant = $1 AND key = $2`,
      values: [merchant, key],
    });
    return rows[0] && chargeOf(rows[0]);
  }

  /**
   * Books a capture, void or refund if the charge has that much left, and answers it; under a key that was
   * used before, the first one. Undefined where the charge does not allow it: nothing is booked then.
   */
  async addMovement(movement: NewMovement): Promise<Movement | undefined> {
    const known = await this.readMovement(movement.merchant, movement.key);
    if (known !== undefined) return known;
    try {
      const { rows } = await this.#pool.query<Movement>({
        name: `sandbox_add_${movement.kind}`,
        text: `WITH taken AS (${TAKE[movement.kind]} RETURNING id)
               INSERT INTO sandbox_movement (merchant, id, charge_id, key, kind, status, next_status, next_at, amount, final)
               SELECT $1, $4, taken.id, $5, $6, $7, $8, now() + make_interval(secs => $9::float8 / 1000), $3::bigint, $10
               FROM taken RETURNING id, status`,
        values: [
          movement.merchant,
          movement.chargeId,
          movement.amount,
          movement.id,
          movement.key,
          movement.kind,
          movement.status,
          movement.next?.status ?? null,
          movement.next?.inMs ?? null,
          movement.final,
        ],
      });
      return rows[0];
    } catch (error) {
      // Someone else booked it under this key in the meantime. The statement was undone whole, so the charge
      // was taken from once: ON CONFLICT DO NOTHING would have kept the second taking.
      if (error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION) {
        return this.readMovement(movement.merchant, movement.key);
      }
      throw error;
    }
  }

  async readMovement(merchant: string, key: string): Promise<Movement | undefined> {
    const { rows } = await this.#pool.query<Movement>({
      name: 'sandbox_read_movement',
      text: 'SELECT id, status FROM sandbox_movement WHERE merchant = $1 AND key = $2',
      values: [merchant, key],
    });
    return rows[0];
  }

  /** Lets happen what is due: pending charges and refunds get their result, and are put down for a notification. */
  async advance(): Promise<void> {
    await this.#pool.query(
      `UPDATE sandbox_charge
       SET status = next_status, next_status = NULL, next_at = NULL, notify = true,
           amount_captured = CASE WHEN next_status = 'approved' AND capture_now THEN amount ELSE amount_captured END
       WHERE next_at <= now()`,
    );
    await this.#pool.query(
      `WITH due AS (
         UPDATE sandbox_movement
         SET status = next_status, next_status = NULL, next_at = NULL, notify = true
         WHERE next_at <= now()
         RETURNING merchant, charge_id, kind, status, amount
       )
       UPDATE sandbox_charge SET amount_refunded = amount_refunded - given_back.amount
       FROM (SELECT merchant, charge_id, sum(amount) AS amount FROM due
             WHERE kind = 'refund' AND status = 'failed' GROUP BY merchant, charge_id) AS given_back
       WHERE sandbox_charge.merchant = given_back.merchant AND sandbox_charge.id = given_back.charge_id`,
    );
  }

  /** What is to be told to the gateway and has not been acknowledged: merchant and key of each. */
  async unacknowledged(limit: number): Promise<{ merchant: string; key: string }[]> {
    const { rows } = await this.#pool.query<{ merchant: string; key: string }>(
      `SELECT merchant, key FROM sandbox_charge WHERE notify
       UNION ALL SELECT merchant, key FROM sandbox_movement WHERE notify LIMIT $1`,
      [limit],
    );
    return rows;
  }

  async acknowledge(merchant: string, key: string): Promise<void> {
    for (const table of ['sandbox_charge', 'sandbox_movement']) {
      await this.#pool.query(`UPDATE ${table} SET notify = false WHERE merchant = $1 AND key = $2`, [merchant, key]);
    }
  }
}

const UNIQUE_VIOLATION = '23505';

/** What each kind of movement takes from its charge, if there is so much. */
const TAKE: Readonly<Record<MovementKind, string>> = {
  capture: `UPDATE sandbox_charge SET amount_captured = amount_captured + $3::bigint,
              amount_released = CASE WHEN $10 THEN amount - amount_captured - $3::bigint ELSE amount_released END
            WHERE merchant = $1 AND id = $2 AND status = 'approved'
              AND amount_captured + amount_released + $3::bigint <= amount`,
  void: `UPDATE sandbox_charge SET next_status = NULL, next_at = NULL, amount_released = amount - amount_captured,
           status = CASE WHEN amount_captured = 0 THEN 'voided' ELSE status END
         WHERE merchant = $1 AND id = $2
           AND (status = 'pending' OR (status = 'approved' AND amount_captured + amount_released < amount))`,
  refund: `UPDATE sandbox_charge SET amount_refunded = amount_refunded + $3::bigint
           WHERE merchant = $1 AND id = $2 AND status = 'approved' AND amount_refunded + $3::bigint <= amount_captured`,
};

interface ChargeRow {
  id: string;
  status: Charge['status'];
  amount: string;
  amount_captured: string;
  decline_code: string | null;
  network_transaction_id: string;
}

function chargeOf(row: ChargeRow): Charge {
  return {
    id: row.id,
    status: row.status,
    amount: BigInt(row.amount),
    amountCaptured: BigInt(row.amount_captured),
    declineCode: row.decline_code,
    networkTransactionId: row.network_transaction_id,
  };
}
