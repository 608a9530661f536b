import type { Operation, Payment } from '../../generated/prisma/client.ts';
import { ok, type Result } from '../domain/result.ts';
import { claimKey, findClaimedKey, keepOperation } from '../store/idempotency-keys.ts';
import { readClock, type TransactionClock } from '../store/ledger.ts';
import { findOperation } from '../store/operations.ts';
import { isKeyTaken, transact, type Transaction, type Work } from '../store/transaction.ts';
import { PaymentDraft } from './draft.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import { KEY_RETENTION_MIN_MS, type Caller, type Gateway } from './gateway.ts';
import type { Origin } from './operation.ts';
import { isOwnPayment } from './payer.ts';
import { checkKey, keyClaim, replay, type KeyClaim, type KeyedRequest, type KeyedResource } from './idempotency.ts';

/** What a decision made: the draft to write, and what the command needs of it afterwards. */
export interface Decided<T> {
  readonly draft: PaymentDraft;
  readonly value: T;
}

/** Either the command's own work was committed, or an earlier request with this key had done it. */
export type Begun<T> =
  | {
      readonly replayed: false;
      readonly payment: Payment;
      readonly value: T;
      /** The monotonic time before the transaction began: the deadline of its operation counts from here. */
      readonly startedAtMs: number;
    }
  | { readonly replayed: true; readonly payment: Payment; readonly resourceId: string };

interface Command<T, R> {
  /** What the decision looks at, whatever it will be. */
  readonly read: (transaction: Transaction) => Promise<R>;
  readonly decide: (
    transaction: Transaction,
    at: { readonly clock: TransactionClock; readonly origin: Origin },
    read: R,
  ) => Result<Decided<T>, Failure> | Promise<Result<Decided<T>, Failure>>;
}

/** How often one key can be used anew after it has expired. */
const GENERATIONS_MAX = 20;

/**
 * The first phase of every mutation that moves money, in one transaction: the key is claimed, the payment
 * locked, the decision made and everything written. A decision that refuses leaves nothing behind, the key
 * included: it can be used again.
 */
export async function begin<T, R>(
  gateway: Gateway,
  caller: Caller,
  request: KeyedRequest,
  resource: KeyedResource,
  command: Command<T, R>,
): Promise<Result<Begun<T>, Failure>> {
  const checked = checkKey(request.key);
  if (!checked.ok) return checked;
  const claim = keyClaim(gateway, caller, request, resource);
  for (let generation = 0; generation < GENERATIONS_MAX; generation++) {
    const origin = { principal: caller.principal, operation: request.operation, key: request.key, generation };
    try {
      return await beginAs(gateway, caller, { claim, origin, resource }, command);
    } catch (error) {
      if (!(error instanceof ProcessorKeyTaken) || !(await isOfExpiredRequest(gateway, error.operation))) throw error;
    }
  }
  return invalid('This idempotency key was used anew too often: choose another.', 'idempotencyKey');
}

/** The processor's key of an operation to be is another operation's already. */
class ProcessorKeyTaken extends Error {
  override readonly name = 'ProcessorKeyTaken';
  readonly operation: Operation;

  constructor(operation: Operation, cause: unknown) {
    super('the processor has an operation under this key', { cause });
    this.operation = operation;
  }
}

/**
 * Whether the operation that has this one's key belongs to a request whose client's key has expired and is used anew. A
 * younger one would mean that a key was lost before its time: nothing is done twice then.
 */
async function isOfExpiredRequest(
  gateway: Gateway,
  { processor, environmentId, processorKey }: Operation,
): Promise<boolean> {
  const older = await findOperation(gateway.database, { processor, merchant: environmentId, key: processorKey });
  if (older === undefined) return false;
  return older.createdAt.getTime() + KEY_RETENTION_MIN_MS <= gateway.now().getTime();
}

async function beginAs<T, R>(
  gateway: Gateway,
  caller: Caller,
  as: { readonly claim: KeyClaim; readonly origin: Origin; readonly resource: KeyedResource },
  { read, decide }: Command<T, R>,
): Promise<Result<Begun<T>, Failure>> {
  const { claim, origin, resource } = as;
  const { row } = claim;
  const startedAtMs = performance.now();
  let planned: Operation | undefined;
  // With others it is read in one round trip with the claim. Run alone, because they could not wait for a lock, a key that
  // was claimed before is answered without that lock.
  let withClaim = caller.payer === null;
  const work: Work<Result<Begun<T> | Replayed, Failure>> = async (transaction) => {
    const reading = withClaim ? read(transaction) : undefined;
    withClaim = false;
    const [{ clock, claimed }] = await Promise.all([claimKey(transaction, row), reading]);
    if (!claimed) {
      const earlier = await replay(transaction, claim, clock.now);
      return { commit: false, value: earlier.ok ? ok({ replayed: true, ...earlier.value }) : earlier };
    }
    const decided = await decide(transaction, { clock, origin }, await (reading ?? read(transaction)));
    if (!decided.ok) return { commit: false, value: decided };
    const { draft, value } = decided.value;
    if (resource.operationId !== null && !draft.adds(resource.operationId)) await keepOperation(transaction, row, null);
    [planned] = draft.operations;
    const writes = draft.writes();
    return { commit: true, writes, value: ok({ replayed: false, payment: draft.payment, value, startedAtMs }) };
  };
  // A payer is held to what others do at the same time, under locks that are the transaction's.
  const working =
    caller.payer === null
      ? gateway.database.together(row.operation, subjectsOf(row), work)
      : transact(gateway.database, work);
  const result = await working.catch((error: unknown) => {
    throw planned !== undefined && isKeyTaken(error) ? new ProcessorKeyTaken(planned, error) : error;
  });
  if (!result.ok) return result;
  if (!('paymentId' in result.value)) {
    gateway.eventsAppended();
    return ok(result.value);
  }
  const { resourceId, paymentId } = result.value;
  return ok({ replayed: true, resourceId, payment: await readPayment(gateway, caller, paymentId) });
}

/** What a request looks at and changes that another one at the same moment may, too. */
function subjectsOf({ environmentId, principal, operation, key, paymentId }: KeyClaim['row']): string[] {
  return [`${environmentId} ${paymentId}`, JSON.stringify([environmentId, principal, operation, key])];
}

/**
 * What an earlier request with this key made, if there was one. It is looked at before a card is exchanged for a
 * token: a request that is sent again must not fail because the card cannot be taken any more.
 */
export async function findReplay(
  gateway: Gateway,
  caller: Caller,
  request: KeyedRequest,
): Promise<Result<{ payment: Payment; replayed: true }, Failure> | undefined> {
  const checked = checkKey(request.key);
  if (!checked.ok) return checked;
  const { environmentId, principal } = caller;
  const { operation, key } = request;
  const known = await findClaimedKey(gateway.database, { environmentId, principal, operation, key });
  if (known === undefined) return undefined;
  const claim = keyClaim(gateway, caller, request, known);
  const earlier = await transact(gateway.database, async (transaction) => {
    const { now } = await readClock(transaction);
    return { commit: false, value: await replay(transaction, claim, now) };
  });
  if (!earlier.ok) return earlier;
  return ok({ replayed: true, payment: await readPayment(gateway, caller, earlier.value.paymentId) });
}

interface Replayed {
  readonly replayed: true;
  readonly resourceId: string;
  readonly paymentId: string;
}

/** A locked payment of the caller's as a draft; and as it stood before the command. */
export function openPayment(
  gateway: Gateway,
  caller: Caller,
  clock: TransactionClock,
  payment: Payment | undefined,
): Result<{ draft: PaymentDraft; payment: Payment }, Failure> {
  if (payment === undefined || !isOwnPayment(caller.payer, payment)) return notFound('payment', 'paymentId');
  const draft = new PaymentDraft(gateway, { payment, isNew: false, clock, actor: caller.actor });
  return ok({ draft, payment });
}

/** A payment that is known to exist, as it stands. */
export async function readPayment(gateway: Gateway, caller: Caller, id: string): Promise<Payment> {
  const { environmentId } = caller;
  return gateway.database.prisma.payment.findUniqueOrThrow({ where: { environmentId_id: { environmentId, id } } });
}
