import { unreachable } from '../../domain/result.ts';
import type { StatementLine } from '../port.ts';
import type { ChargeStatus, MovementStatus } from './records.ts';

/** Where a page of a statement begins: after this row. The first page begins with a time and no id. */
const PAGE = (table: string): string => `${table}.merchant = $1
  AND (${table}.created_at, ${table}.id) > ($2::timestamptz, $3) AND ${table}.created_at < $4
  ORDER BY ${table}.created_at, ${table}.id LIMIT $5`;

/** A page of charges, and a page of refunds. */
export const STATEMENT: readonly string[] = [
  `SELECT 'CHARGE' AS kind, sandbox_charge.id AS reference, key, currency, status, amount,
     amount_captured - pending AS captured, amount - amount_captured - amount_released + pending AS held,
     created_at AS "createdAt"
   FROM sandbox_charge CROSS JOIN LATERAL (
     SELECT coalesce(sum(movement.amount), 0)::bigint AS pending FROM sandbox_movement AS movement
     WHERE movement.merchant = sandbox_charge.merchant AND charge_id = sandbox_charge.id
       AND kind = 'capture' AND movement.status = 'pending'
   ) AS capturing
   WHERE ${PAGE('sandbox_charge')}`,
  `SELECT 'REFUND' AS kind, movement.id AS reference, movement.key, charge.currency, movement.status, movement.amount,
     movement.created_at AS "createdAt"
   FROM sandbox_movement AS movement
   JOIN sandbox_charge AS charge ON charge.merchant = movement.merchant AND charge.id = charge_id
   WHERE kind = 'refund' AND ${PAGE('movement')}`,
];

/** A row of a page as the driver gives it. */
export type StatementRow = Pick<StatementLine, 'reference' | 'key' | 'currency' | 'createdAt'> & {
  readonly amount: string;
} & (
    | { readonly kind: 'CHARGE'; readonly status: ChargeStatus; readonly captured: string; readonly held: string }
    | { readonly kind: 'REFUND'; readonly status: MovementStatus }
  );

/** Reads a row. */
export function statementLine(row: StatementRow): StatementLine {
  const { kind, reference, key, currency, createdAt } = row;
  const line = { kind, reference, key, currency, createdAt };
  if (row.kind === 'REFUND') return { ...line, amount: BigInt(row.amount), state: stateOfRefund(row.status) };
  const captured = BigInt(row.captured);
  return {
    ...line,
    amount: captured > 0n ? captured : BigInt(row.amount),
    state: stateOfCharge(row.status, captured, BigInt(row.held)),
  };
}

function stateOfCharge(status: ChargeStatus, captured: bigint, held: bigint): StatementLine['state'] {
  switch (status) {
    case 'approved':
      // Once something was captured the money has come in, whether there is more to come or not.
      if (captured > 0n) return 'SUCCEEDED';
      return held > 0n ? 'AUTHORIZED' : 'CANCELED';
    case 'action_required':
    case 'pending':
      return 'PENDING';
    case 'voided':
    case 'expired':
      return 'CANCELED';
    case 'declined':
    case 'reversed':
      return 'FAILED';
    default:
      return unreachable(status);
  }
}

function stateOfRefund(status: MovementStatus): StatementLine['state'] {
  switch (status) {
    case 'succeeded':
      return 'SUCCEEDED';
    case 'pending':
      return 'PENDING';
    case 'failed':
      return 'FAILED';
    default:
      return unreachable(status);
  }
}
