/**
 * Where a reader is in the log of events. Across payments the order is that of commits: the epoch of the database
 * cluster, then the transaction, then the position within it. Within one payment it is the payment's own sequence, which
 * never runs against this one.
 */
export interface EventPosition {
  readonly epoch: number;
  /** A transaction id (xid8), as a number. */
  readonly orderXid: bigint;
  readonly position: bigint;
}

/** Before every event. */
export const LOG_START: EventPosition = { epoch: 0, orderXid: 0n, position: 0n };

/** The position of an event, without the rest of it. */
export function positionOf({ epoch, orderXid, position }: EventPosition): EventPosition {
  return { epoch, orderXid, position };
}

/** A position, and the epoch in which a client was told it: in another, what it had read before may be gone. */
export interface EventCursor extends EventPosition {
  readonly toldIn: number;
}

const PREFIX = 'evc_';
const TEXT_LENGTH_MAX = 90;
const TEXT = /^(\d{1,9})\.(\d{1,9})\.(\d{1,19})\.(\d{1,19})$/;
const BIGINT_MAX = 2n ** 63n - 1n;

/** A cursor as a client keeps it. What is inside is the gateway's affair, and may change. */
export function encodeCursor({ epoch, orderXid, position }: EventPosition, toldIn: number): string {
  return `${PREFIX}${Buffer.from(`${toldIn}.${epoch}.${orderXid}.${position}`).toString('base64url')}`;
}

/** The cursor that a text stands for; undefined for a text that is none. */
export function decodeCursor(text: string): EventCursor | undefined {
  if (!text.startsWith(PREFIX) || text.length > TEXT_LENGTH_MAX) return undefined;
  const parts = TEXT.exec(Buffer.from(text.slice(PREFIX.length), 'base64url').toString('latin1'));
  if (parts === null) return undefined;
  const [, toldIn = '', epoch = '', orderXid = '', position = ''] = parts;
  const cursor = {
    toldIn: Number(toldIn),
    epoch: Number(epoch),
    orderXid: BigInt(orderXid),
    position: BigInt(position),
  };
  return cursor.orderXid <= BIGINT_MAX && cursor.position <= BIGINT_MAX ? cursor : undefined;
}

/** Whether one position comes after another. */
export function isAfter(one: EventPosition, other: EventPosition): boolean {
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  if (one.orderXid !== other.orderXid) return one.orderXid > other.orderXid;
  return one.position > other.position;
}
