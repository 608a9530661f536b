import { holdsCardNumber } from './domain/card.ts';

/**
 * The names under which something may be told, in the log and in traces. It is a list of what may be, not of what may
 * not: what somebody adds in a hurry is left out until it stands here. None of them is for what a request carries.
 */
const FACTS = [
  // Whose, and which.
  'requestId',
  'traceId',
  'errorId',
  'environmentId',
  'paymentId',
  'attemptId',
  'operationId',
  'movementId',
  'reconciliationId',
  'processorAccountId',
  'webhookEndpointId',
  'webhookDeliveryId',
  // What, and how it went.
  'name',
  'round',
  'transport',
  'operation',
  'field',
  'kind',
  'processor',
  'processorKey',
  'reference',
  'outcome',
  'declineCode',
  'retryable',
  'reason',
  'status',
  'paymentStatus',
  'from',
  'to',
  'error',
  'code',
  'stack',
  'statement',
  'query',
  // How much.
  'durationMs',
  'attempt',
  'tries',
  'count',
  'accounts',
  'pieces',
  'dropped',
  'epoch',
  'requests',
  'sockets',
  'operations',
  'due',
] as const;

export type Facts = Readonly<Partial<Record<(typeof FACTS)[number], string | number | boolean | null>>>;

const ALLOWED: ReadonlySet<string> = new Set(FACTS);

/** The one that others word, a processor for instance: it is cut, and tells no card number. */
const WORDED = 'reason';
const WORDED_MAX = 300;
/** Frames of a stack are the longest that is told. */
const TEXT_MAX = 8_000;

/** What of an object may be told. What is left out is named, so that it can be put on the list. */
export function allowedFacts(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const allowed: Record<string, unknown> = {};
  const withheld: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    if (!ALLOWED.has(key) || (typeof value === 'object' && value !== null)) withheld.push(key);
    else allowed[key] = typeof value === 'string' ? shortened(key, value) : value;
  }
  // A name can be what was sent as well, if a whole object came here.
  if (withheld.length > 0) allowed['withheld'] = withheld.filter((key) => /^[A-Za-z]{1,40}$/.test(key)).slice(0, 20);
  return allowed;
}

function shortened(key: string, value: string): string {
  if (key !== WORDED) return value.slice(0, TEXT_MAX);
  return holdsCardNumber(value) ? 'it holds a card number' : value.slice(0, WORDED_MAX);
}
