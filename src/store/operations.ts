import type { Attempt, Capture, Operation, Payment, Refund } from '../../generated/prisma/client.ts';
import type { Database } from './database.ts';

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

/** Whether a call's deadline has passed by a processor's in-flight window, on the database's clock. */
export async function isCallOver(
  { pool }: Database,
  { callDeadline }: Pick<Operation, 'callDeadline'>,
  inFlightWindowMs: number,
): Promise<boolean> {
  const { rows } = await pool.query<{ over: boolean }>({
    name: 'is_call_over',
    text: 'SELECT now() > $1::timestamptz + make_interval(secs => $2::float8 / 1000) AS over',
    values: [callDeadline, inFlightWindowMs],
  });
  return rows[0]?.over ?? false;
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
