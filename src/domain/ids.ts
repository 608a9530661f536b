/** What a global id begins with, by the type it names. */
export const ID_PREFIXES = {
  Account: 'acc',
  ApiKey: 'key',
  Attempt: 'att',
  AuditEntry: 'aud',
  Capture: 'cap',
  ClientToken: 'ct',
  Customer: 'cus',
  Environment: 'env',
  Operation: 'op',
  Payment: 'pay',
  PaymentEvent: 'evt',
  PaymentMethod: 'pm',
  ProcessorAccount: 'pra',
  Reconciliation: 'rec',
  Refund: 're',
  WebhookDelivery: 'whd',
  WebhookEndpoint: 'whe',
} as const;

export type IdType = keyof typeof ID_PREFIXES;

const TYPES_BY_PREFIX: ReadonlyMap<string, IdType> = new Map(
  Object.entries(ID_PREFIXES).map(([type, prefix]) => [prefix, type as IdType]),
);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** "pay_0199…": the global id of a row. */
export function encodeId(type: IdType, uuid: string): string {
  return `${ID_PREFIXES[type]}_${uuid}`;
}

/** The type and UUID that a global id names; undefined for anything that is no such id. */
export function decodeId(id: string): { type: IdType; uuid: string } | undefined {
  const split = id.indexOf('_');
  const type = TYPES_BY_PREFIX.get(id.slice(0, split));
  const uuid = id.slice(split + 1);
  return type !== undefined && UUID.test(uuid) ? { type, uuid: uuid.toLowerCase() } : undefined;
}

/** The UUID of a global id of one type; undefined where it is malformed or names another type. */
export function decodeIdOf(type: IdType, id: string): string | undefined {
  const decoded = decodeId(id);
  return decoded?.type === type ? decoded.uuid : undefined;
}

/**
 * A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits, so that ids sort by the time they were made.
 * @param nowMs milliseconds since 1970
 * @param random at least ten random bytes
 */
export function uuidv7(nowMs: number, random: Uint8Array): string {
  if (random.length < 10) throw new Error('uuidv7 needs ten random bytes');
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(nowMs) << 16n);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes.buffer).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
