import type { MovementKind } from './records.ts';

/*
 * The statements that move the sandbox's money. Each is a whole transaction, and each decides by its own WHERE, on the
 * row as it is once it is locked: of two that race the second finds what the first left.
 *
 * A charge holds 0 <= amount_captured, amount_released and their sum <= amount. Where the sum is the amount, the
 * authorisation has come to its end, and nothing opens it again.
 */

const inMs = (parameter: string): string => `now() + make_interval(secs => ${parameter}::float8 / 1000)`;

/** The columns of a charge that are ever read. */
export const CHARGE_COLUMNS = `
  id, status, amount, currency, capture_now, decline_code, network_transaction_id, return_url,
  CASE WHEN next_status = 'expired' THEN next_at END AS expires_at, settled_at`;

/** The columns of a movement that are ever read. */
export const MOVEMENT_COLUMNS = 'id, kind, status, settled_at AS "settledAt"';

/** Books charges, of those whose key was not used before, and answers these. */
export const ADD_CHARGES = `
  INSERT INTO sandbox_charge (merchant, id, key, token, status, next_status, next_at, amount, currency,
    capture_now, amount_captured, decline_code, network_transaction_id, return_url, settles_at)
  SELECT merchant, id, key, token, status, "nextStatus", ${inMs('"nextInMs"')}, amount, currency, "captureNow",
    CASE WHEN "captureNow" AND status = 'approved' THEN amount ELSE 0 END, "declineCode", "networkTransactionId",
    "returnUrl", CASE WHEN "captureNow" AND status = 'approved' THEN ${inMs('$2')} END
  FROM json_to_recordset($1::json) AS new (merchant text, id text, key text, token text, status text,
    "nextStatus" text, "nextInMs" float8, amount bigint, currency text, "captureNow" boolean, "declineCode" text,
    "networkTransactionId" text, "returnUrl" text)
  ON CONFLICT (merchant, key) DO NOTHING RETURNING merchant, key, ${CHARGE_COLUMNS}`;

/** What an approval makes of next_status and next_at: an authorisation is held for so long, a captured charge stays. */
const holdIf = (approved: string, period: string): string => `
  next_status = CASE WHEN ${approved} AND NOT capture_now THEN 'expired' END,
  next_at = CASE WHEN ${approved} AND NOT capture_now THEN ${inMs(period)} END`;

const PASSED = '($2::boolean AND decline_code IS NULL)';

/** The payer has acted, or failed to: $2. A charge that no longer waits for it stays as it is. */
export const COMPLETE_ACTION = `
  UPDATE sandbox_charge
  SET status = CASE WHEN ${PASSED} THEN 'approved' ELSE 'declined' END,
      decline_code = CASE WHEN $2::boolean THEN decline_code ELSE 'three_d_secure_failed' END,
      amount_captured = CASE WHEN ${PASSED} AND capture_now THEN amount ELSE 0 END,
      ${holdIf(PASSED, '$3')},
      settles_at = CASE WHEN ${PASSED} AND capture_now THEN ${inMs('$4')} END,
      notify = true
  WHERE id = $1 AND status = 'action_required'`;

/**
 * Charges that are due become what they were to become. An authorisation that was captured in part stays, without what
 * is left of it; what was captured is taken back whole when a charge is reversed, and is not paid out then.
 */
export const ADVANCE_CHARGES = `
  UPDATE sandbox_charge
  SET status = CASE WHEN next_status = 'expired' AND amount_captured > 0 THEN status ELSE next_status END,
      amount_captured = CASE WHEN next_status = 'approved' AND capture_now THEN amount
                             WHEN next_status = 'reversed' THEN 0
                             ELSE amount_captured END,
      amount_released = CASE next_status WHEN 'expired' THEN amount - amount_captured
                                         WHEN 'reversed' THEN amount
                                         ELSE amount_released END,
      ${holdIf("next_status = 'approved'", '$1')},
      settles_at = CASE WHEN next_status = 'approved' AND capture_now THEN ${inMs('$2')}
                        WHEN next_status = 'reversed' THEN NULL
                        ELSE settles_at END,
      notify = true
  WHERE next_at <= now()`;

/**
 * Movements that are due get their result, and what fails gives back what it took. A capture that never succeeded can
 * be made again while the authorisation is open; one that was taken back cannot.
 */
export const ADVANCE_MOVEMENTS = `
  WITH due AS (
    SELECT merchant, id, status AS was FROM sandbox_movement WHERE next_at <= now() ORDER BY merchant, id FOR UPDATE
  ), moved AS (
    UPDATE sandbox_movement AS movement
    SET status = next_status, next_status = NULL, next_at = NULL, notify = true,
        settles_at = CASE WHEN kind = 'capture' AND next_status = 'succeeded' THEN ${inMs('$1')} END
    FROM due WHERE movement.merchant = due.merchant AND movement.id = due.id
    RETURNING movement.merchant, charge_id, kind, status, was, amount
  ), given_back AS (
    SELECT merchant, charge_id,
      coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded,
      coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
      coalesce(sum(amount) FILTER (WHERE kind = 'capture' AND was = 'succeeded'), 0) AS taken_back
    FROM moved WHERE status = 'failed' GROUP BY merchant, charge_id
  )
  UPDATE sandbox_charge AS charge
  SET amount_refunded = amount_refunded - refunded,
      amount_captured = amount_captured - captured,
      amount_released = amount_released
        + CASE WHEN amount_captured + amount_released = amount THEN captured ELSE taken_back END
  FROM given_back WHERE charge.merchant = given_back.merchant AND charge.id = given_back.charge_id`;

/**
 * Pays out what is due, whole: what was refunded of it is another matter. What was to be taken back before is not: it
 * has its turn in the statements above.
 */
export const SETTLE: readonly string[] = ['sandbox_charge', 'sandbox_movement'].map(
  (table) => `
  UPDATE ${table} SET settled_at = settles_at, settles_at = NULL, notify = true
  WHERE settles_at <= now() AND (next_at IS NULL OR settles_at <= next_at)`,
);

/** A capture that is final, or takes the last of an authorisation. */
const LAST_CAPTURE = '(is_final OR amount_captured + amount_released + taken = amount)';

/** Movements that are asked for. */
const ASKED = `json_to_recordset($1::json) AS asked (merchant text, charge text, taken bigint, movement text,
      movement_key text, movement_status text, movement_next text, movement_next_in_ms float8, is_final boolean)`;

/** What each kind of movement takes from its charge, if there is so much. Each is of another charge. */
const TAKE: Readonly<Record<MovementKind, string>> = {
  capture: `UPDATE sandbox_charge
    SET amount_captured = amount_captured + taken,
        amount_released = CASE WHEN is_final THEN amount - amount_captured - taken ELSE amount_released END,
        next_status = CASE WHEN ${LAST_CAPTURE} THEN NULL ELSE next_status END,
        next_at = CASE WHEN ${LAST_CAPTURE} THEN NULL ELSE next_at END
    FROM ${ASKED} WHERE sandbox_charge.merchant = asked.merchant AND id = charge AND status = 'approved'
      AND amount_captured + amount_released + taken <= amount`,
  void: `UPDATE sandbox_charge
    SET next_status = NULL, next_at = NULL, amount_released = amount - amount_captured,
        status = CASE WHEN amount_captured = 0 THEN 'voided' ELSE status END
    FROM ${ASKED} WHERE sandbox_charge.merchant = asked.merchant AND id = charge
      AND (status IN ('pending', 'action_required')
        OR (status = 'approved' AND amount_captured + amount_released < amount))`,
  refund: `UPDATE sandbox_charge
    SET amount_refunded = amount_refunded + taken
    FROM ${ASKED} WHERE sandbox_charge.merchant = asked.merchant AND id = charge AND status = 'approved'
      AND amount_refunded + taken <= amount_captured`,
};

/** Books movements and takes them from their charges; of one that its charge does not allow, it does neither. */
export const addMovements = (kind: MovementKind): string => `
  WITH moved AS (${TAKE[kind]} RETURNING asked.merchant, charge, taken, movement, movement_key, movement_status,
    movement_next, movement_next_in_ms, is_final)
  INSERT INTO sandbox_movement (merchant, id, charge_id, key, kind, status, next_status, next_at, amount, final,
    settles_at)
  SELECT merchant, movement, charge, movement_key, '${kind}', movement_status, movement_next,
    ${inMs('movement_next_in_ms')}, taken, is_final,
    CASE WHEN '${kind}' = 'capture' AND movement_status = 'succeeded' THEN ${inMs('$2')} END
  FROM moved RETURNING merchant, key, ${MOVEMENT_COLUMNS}`;
