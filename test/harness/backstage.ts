import type { OperationKind } from '../../generated/operations/graphql.ts';
import { decodeIdOf } from '../../src/domain/ids.ts';
import { receiveNotification } from '../../src/due/notifications.ts';
import { runDuePayments } from '../../src/due/payments.ts';
import { inquire } from '../../src/due/recover.ts';
import { dispatchPlanned } from '../../src/payments/dispatch.ts';
import { fallDue } from '../../src/payments/fall-due.ts';
import { findOperationById } from '../../src/store/operations.ts';
import type { TestGateway } from './gateway.ts';
import { NOW } from './present.ts';
import { until } from './until.ts';

/** One charge in the sandbox's books: what it holds, and what it took and gave back. */
interface BookedCharge {
  readonly status: string;
  readonly captured: number;
  readonly refunded: number;
}

/**
 * What goes on behind the API: time passes by moving stored times back, so that nothing is waited for; rounds run at
 * once; the processor notifies when it is told to; and its books can be read.
 */
export class Backstage {
  readonly #gateway: () => TestGateway;

  constructor(gateway: () => TestGateway) {
    this.#gateway = gateway;
  }

  get #pool() {
    return this.#gateway().app.gateway.database.pool;
  }

  /**
   * The moment has come that a payment waits for, whatever it waits for. It is taken on as a round would, in one
   * statement, so that the gateway's own rounds pass it by.
   */
  async letFallDue(paymentId: string): Promise<void> {
    const { rows } = await this.#pool.query<{ environmentId: string; id: string }>(
      `UPDATE payment SET due_at = now() + interval '1 minute',
         ${past('payment_date', 'SCHEDULED')}, ${past('retry_at', 'RETRY_SCHEDULED')},
         ${past('expires_at', 'CREATED', 'FAILED')}, ${past('action_expires_at', 'REQUIRES_ACTION')},
         ${past('authorization_expires_at', 'AUTHORIZED')},
         ${past('expiry_postponed_to', 'REQUIRES_ACTION', 'AUTHORIZED')}
       WHERE id = $1 RETURNING environment_id AS "environmentId", id`,
      [uuidOf(paymentId)],
    );
    for (const row of rows) await fallDue(this.#gateway().app.gateway, row);
    await this.#settle(paymentId);
  }

  /** How long it is until a payment falls due, in milliseconds; null where it never does. */
  async dueInMs(paymentId: string): Promise<number | null> {
    const { rows } = await this.#pool.query<{ dueInMs: number | null }>(
      `SELECT (extract(epoch FROM due_at - now()) * 1000)::float8 AS "dueInMs" FROM payment WHERE id = $1`,
      [uuidOf(paymentId)],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('there is no such payment');
    return row.dueInMs;
  }

  /** One round of what is due. */
  async runDuePayments(): Promise<void> {
    await runDuePayments(this.#gateway().app.gateway);
  }

  /** So many hours pass for the calls of a payment: the processor is asked about those whose time has come. */
  async letTimePass(paymentId: string, hours: number): Promise<void> {
    await this.#recover(paymentId, hours, (recoverAt) => `${recoverAt} - $2 * interval '1 hour'`);
  }

  /** The processor is asked now about what is open, without any time having passed. */
  async askAgain(paymentId: string): Promise<void> {
    await this.#recover(paymentId, 0, (recoverAt) => `least(${recoverAt}, now())`);
  }

  async #recover(paymentId: string, hours: number, moved: (recoverAt: string) => string): Promise<void> {
    const { gateway } = this.#gateway().app;
    await this.#letBePast(paymentId);
    const comesDue = (recoverAt: string) => `${recoverAt} IS NOT NULL AND ${moved(recoverAt)} <= now()`;
    const { rows } = await this.#pool.query<{ environmentId: string; id: string; isDue: boolean; isBegun: boolean }>(
      `UPDATE operation SET created_at = created_at - $2 * interval '1 hour',
         call_deadline = call_deadline - $2 * interval '1 hour', completed_at = completed_at - $2 * interval '1 hour',
         inquiries = inquiries + CASE WHEN ${comesDue('recover_at')} THEN 1 ELSE 0 END,
         recover_at = CASE WHEN ${comesDue('recover_at')} THEN now() + interval '1 minute'
           WHEN recover_at IS NOT NULL THEN ${moved('recover_at')} END
       WHERE payment_id = $1
       RETURNING new.environment_id AS "environmentId", new.id, (${comesDue('old.recover_at')}) AS "isDue",
         old.status = 'DISPATCHED' AND old.inquiries > 0 AS "isBegun"`,
      [uuidOf(paymentId), hours],
    );
    // What was planned again and has been begun by the gateway's own round is under way there: its answer is waited for.
    for (const { environmentId, id } of rows.filter(({ isDue, isBegun }) => isDue && !isBegun)) {
      const operation = await findOperationById(gateway.database, environmentId, id);
      if (operation?.status === 'PLANNED') await dispatchPlanned(gateway, operation);
      else if (operation !== undefined) await inquire(gateway, operation);
    }
    await this.#settle(paymentId);
  }

  /** The processor says that something has changed about a payment's operations of a kind. */
  async notify(paymentId: string, kind: OperationKind): Promise<void> {
    await this.#letBePast(paymentId);
    const { rows } = await this.#pool.query<{ merchant: string; key: string }>(
      `SELECT environment_id AS merchant, processor_key AS key FROM operation
       WHERE payment_id = $1 AND kind = $2 ORDER BY created_at, id`,
      [uuidOf(paymentId), kind],
    );
    for (const row of rows) await receiveNotification(this.#gateway().app.gateway, { processor: 'sandbox', ...row });
    await this.#settle(paymentId);
  }

  /**
   * The processor pays out what it captured of a payment, or only what one of its captures took.
   * @returns when it did
   */
  async payOut(paymentId: string, captureId?: string): Promise<Date[]> {
    await this.#letBePast(paymentId);
    const capture = captureId === undefined ? null : decodeIdOf('Capture', captureId);
    const paid: Date[] = [];
    for (const table of ['sandbox_charge', 'sandbox_movement']) {
      const { rows } = await this.#pool.query<{ at: Date }>(
        `UPDATE ${table} SET settled_at = ${NOW}, settles_at = NULL, notify = true
         FROM operation WHERE merchant = environment_id::text AND key = processor_key AND payment_id = $1
           AND settles_at IS NOT NULL AND ($2::uuid IS NULL OR capture_id = $2)
         RETURNING settled_at AS at`,
        [uuidOf(paymentId), capture],
      );
      paid.push(...rows.map(({ at }) => at));
    }
    return paid;
  }

  /** The same, and the gateway has heard of it. */
  async letSettle(paymentId: string, captureId?: string): Promise<Date[]> {
    const paid = await this.payOut(paymentId, captureId);
    await until(async () => {
      const { rows } = await this.#pool.query(
        `SELECT 1 FROM operation WHERE payment_id = $1 AND (
           EXISTS (SELECT FROM sandbox_charge WHERE key = processor_key AND notify)
           OR EXISTS (SELECT FROM sandbox_movement WHERE key = processor_key AND notify))`,
        [uuidOf(paymentId)],
      );
      return rows.length === 0;
    });
    return paid;
  }

  /**
   * An answer is news only if it was asked for after what it follows on. The gateway takes it for as old as it may be, by
   * however long its transaction is held up: what has been was some time ago.
   */
  async #letBePast(paymentId: string): Promise<void> {
    const when = { operation: 'completed_at', attempt: 'updated_at', capture: 'updated_at', refund: 'updated_at' };
    for (const [table, column] of Object.entries(when)) {
      await this.#pool.query(`UPDATE ${table} SET ${column} = ${column} - interval '1 minute' WHERE payment_id = $1`, [
        uuidOf(paymentId),
      ]);
    }
  }

  /** What follows from an answer may have been taken on by the gateway's own round: it is waited for. */
  async #settle(paymentId: string): Promise<void> {
    await until(async () => {
      const { rows } = await this.#pool.query(
        // One that was never begun is begun at once; one that was put off has a later deadline, and is left.
        `SELECT 1 FROM operation WHERE payment_id = $1
         AND (status = 'DISPATCHED' OR status = 'PLANNED' AND call_deadline = created_at)`,
        [uuidOf(paymentId)],
      );
      return rows.length === 0;
    });
  }

  /** The charges that the sandbox's own books have of a payment: the truth about its money. */
  async charges(paymentId: string): Promise<BookedCharge[]> {
    const { rows } = await this.#pool.query<BookedCharge>(
      `SELECT sandbox_charge.status, amount_captured::int AS captured, amount_refunded::int AS refunded
       FROM sandbox_charge JOIN operation ON processor_key = sandbox_charge.key AND environment_id::text = merchant
       WHERE payment_id = $1 ORDER BY operation.created_at, operation.id`,
      [uuidOf(paymentId)],
    );
    return rows;
  }

  /** How the captures, voids and refunds of a payment stand in the sandbox's own books. */
  async movements(paymentId: string): Promise<string[]> {
    const { rows } = await this.#pool.query<{ status: string }>(
      `SELECT sandbox_movement.status
       FROM sandbox_movement JOIN operation ON processor_key = sandbox_movement.key AND environment_id::text = merchant
       WHERE payment_id = $1`,
      [uuidOf(paymentId)],
    );
    return rows.map(({ status }) => status);
  }

  /** The processor's own id of the last charge that it made for a payment. */
  async chargeReference(paymentId: string): Promise<string> {
    const { rows } = await this.#pool.query<{ id: string }>(
      `SELECT sandbox_charge.id FROM sandbox_charge
       JOIN operation ON processor_key = sandbox_charge.key AND environment_id::text = merchant
       WHERE payment_id = $1 ORDER BY operation.created_at DESC LIMIT 1`,
      [uuidOf(paymentId)],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('the processor has no charge of this payment');
    return row.id;
  }

  /** How much the payer is out of pocket or has on hold, by the sandbox's books: once at most, ever. */
  async standing(paymentId: string): Promise<number[]> {
    const { rows } = await this.#pool.query<{ standing: number }>(
      `SELECT (amount_captured - amount_refunded
         + CASE WHEN sandbox_charge.status = 'approved' AND amount_captured = 0 THEN amount - amount_released ELSE 0 END)::int AS standing
       FROM sandbox_charge JOIN operation ON processor_key = sandbox_charge.key AND environment_id::text = merchant
       WHERE payment_id = $1`,
      [uuidOf(paymentId)],
    );
    return rows.map(({ standing }) => standing).filter((amount) => amount > 0);
  }
}

function uuidOf(paymentId: string): string {
  const uuid = decodeIdOf('Payment', paymentId);
  if (uuid === undefined) throw new Error(`${paymentId} is no payment`);
  return uuid;
}

/** Lets a time that is ahead be now, in the states that wait for it. */
function past(column: string, ...statuses: string[]): string {
  const isAwaited = `status::text = ANY ('{${statuses.join(',')}}') AND ${column} > now()`;
  return `${column} = CASE WHEN ${isAwaited} THEN ${NOW} ELSE ${column} END`;
}
