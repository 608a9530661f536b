import type { Attempt, Capture, Operation, Payment, Refund } from '../../generated/prisma/client.ts';
import type { Database } from './database.ts';
import type { SetBased } from './transaction.ts';

/** Where something is done, or was: with which processor, and in which account there; in none with the sandbox. */
export type Place = Pick<Operation, 'environmentId' | 'processor' | 'processorAccountId'>;

/** The operation that a processor was asked for under a key. */
export async function findOperation(
  database: Database,
  of: { readonly processor: string; readonly merchant: string; readonly key: string },
): Promise<Operation | undefined> {
  const operation = await database.prisma.operation.findUnique({
    where: {
      environmentId_processor_processorKey: {
        environmentId: of.merchant,
        processor: of.processor,
        processorKey: of.key,
      },
    },
  });
  return operation ?? undefined;
}

/** An operation of an environment by its id. */
export async function findOperationById(
  database: Database,
  environmentId: string,
  id: string,
): Promise<Operation | undefined> {
  return (
    (await database.prisma.operation.findUnique({ where: { environmentId_id: { environmentId, id } } })) ?? undefined
  );
}

interface Call {
  readonly callDeadline: Date;
  readonly inFlightWindowMs: number;
}

const areCallsOver: SetBased<Call, boolean> = async (queries, calls) => {
  const rows = await queries.query<{ isOver: boolean }>(
    `SELECT now() > call_deadline + make_interval(secs => in_flight_window_ms / 1000) AS is_over
     FROM unnest($1::timestamptz[], $2::float8[]) WITH ORDINALITY AS call (call_deadline, in_flight_window_ms, place)
     ORDER BY place`,
    [calls.map(({ callDeadline }) => callDeadline), calls.map(({ inFlightWindowMs }) => inFlightWindowMs)],
  );
  return rows.map(({ isOver }) => isOver);
};

/** Whether a call's deadline has passed by a processor's in-flight window, on the database's clock. */
export function isCallOver(
  { ask }: Database,
  { callDeadline }: Pick<Operation, 'callDeadline'>,
  inFlightWindowMs: number,
): Promise<boolean> {
  return ask(areCallsOver, { callDeadline, inFlightWindowMs });
}

/** A capture, void, refund or return with the rows that say what is asked of the processor. */
export interface Movement {
  readonly payment: Payment;
  readonly operation: Operation;
  readonly attempt: Attempt;
  readonly capture?: Capture | undefined;
  readonly refund?: Refund | undefined;
}

/** The rows that an operation is about, as they stand. */
export async function readMovement({ prisma }: Database, operation: Operation): Promise<Movement> {
  const { environmentId, paymentId, attemptId, captureId, refundId } = operation;
  const at = (id: string) => ({ where: { environmentId_id: { environmentId, id } } });
  const [payment, attempt, capture, refund] = await Promise.all([
    prisma.payment.findUniqueOrThrow(at(paymentId)),
    prisma.attempt.findUniqueOrThrow(at(attemptId)),
    captureId === null ? undefined : prisma.capture.findUniqueOrThrow(at(captureId)),
    refundId === null ? undefined : prisma.refund.findUniqueOrThrow(at(refundId)),
  ]);
  return { payment, operation, attempt, capture, refund };
}

/**
 * Keeps a processor's id of a charge that it has on record and has not made.
 * @returns whether the charge is still to be made: its call is under way, and its deadline has not passed on the
 * database's clock
 */
export async function keepReference(
  { pool }: Database,
  { environmentId, id }: Pick<Operation, 'environmentId' | 'id'>,
  reference: string,
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'keep_reference',
    text: `UPDATE operation SET processor_reference = $3
           WHERE environment_id = $1 AND id = $2 AND status = 'DISPATCHED' AND call_deadline > clock_timestamp()
             AND processor_reference IS NULL`,
    values: [environmentId, id, reference],
  });
  return rowCount === 1;
}
