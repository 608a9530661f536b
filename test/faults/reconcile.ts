import type {
  Attempt,
  Capture,
  Operation,
  Refund,
  SandboxCharge,
  SandboxMovement,
} from '../../generated/prisma/client.ts';
import { sum, type Ledgers, type Discrepancy, type PaymentFile } from './books.ts';
import { checkSettlements } from './settlement.ts';

/**
 * Compares the gateway's rows with the sandbox's own books, to the minor unit. It expects that everything has
 * settled: leftover.ts says what has not.
 * @returns what does not agree; an empty list is a good day
 */
export function reconcile(books: Ledgers): Discrepancy[] {
  const reconciliation = new Reconciliation(books);
  return [
    ...books.payments.flatMap((file) => [...checkSums(file), ...reconciliation.checkPayment(file)]),
    ...reconciliation.checkStrays(),
    ...checkSettlements(books),
  ];
}

/** The payment's amounts are sums over its rows. */
function* checkSums({ payment, attempts, captures, reversals, refunds }: PaymentFile): Generator<Discrepancy> {
  const current = attempts.find(({ id }) => id === payment.currentAttemptId);
  const counted = {
    amountAuthorized: current?.amountAuthorized ?? 0n,
    amountCapturing: sum(captures, isPending),
    amountCaptured: sum(captures, hasSucceeded),
    amountReversed: sum(reversals, () => true),
    amountRefunding: sum(refunds, isPending),
    amountRefunded: sum(refunds, hasSucceeded),
  };
  for (const [name, amount] of Object.entries(counted) as [keyof typeof counted, bigint][]) {
    if (payment[name] === amount) continue;
    const text = `${name} of the payment is ${payment[name]}, and its rows come to ${amount}`;
    yield { rule: 'a payment is the sum of its rows', paymentId: payment.id, text };
  }
  if (payment.amountRefunded + payment.amountRefunding > payment.amountCaptured) {
    const text = `${payment.amountRefunded} refunded of ${payment.amountCaptured} captured`;
    yield { rule: 'no more is refunded than was captured', paymentId: payment.id, text };
  }
}

class Reconciliation {
  readonly #charges: ReadonlyMap<string, SandboxCharge>;
  readonly #movements: ReadonlyMap<string, SandboxMovement>;
  /** What an operation of the gateway asked for; the rest was asked for by nobody. */
  readonly #asked = new Set<SandboxCharge | SandboxMovement>();

  constructor({ charges, movements }: Ledgers) {
    this.#charges = new Map(charges.map((charge) => [`${charge.merchant} ${charge.key}`, charge]));
    this.#movements = new Map(movements.map((movement) => [`${movement.merchant} ${movement.key}`, movement]));
  }

  *checkPayment(file: PaymentFile): Generator<Discrepancy> {
    const paymentId = file.payment.id;
    const charges = new Map<string, SandboxCharge>();
    // Charges that were given back and that the bank sent here again: an operator was told, and it takes one.
    const raised = new Set<string>();
    for (const operation of file.operations) {
      const charge = this.#charges.get(addressOf(operation));
      const movement = this.#movements.get(addressOf(operation));
      if (charge !== undefined) this.#asked.add(charge);
      if (movement !== undefined) this.#asked.add(movement);
      if (operation.kind === 'CHARGE' && charge !== undefined) charges.set(operation.attemptId, charge);
      if (operation.kind === 'RETURN' && operation.status === 'RAISED' && movement?.status === 'failed') {
        raised.add(operation.attemptId);
      }
      for (const text of checkOperation(file, operation, movement)) {
        yield { rule: 'a movement is what its operation says', paymentId, text };
      }
    }
    for (const attempt of file.attempts) {
      const charge = charges.get(attempt.id);
      for (const text of raised.has(attempt.id) ? [] : checkAttempt(file, attempt, charge)) {
        yield { rule: "an attempt is what the sandbox's charge says", paymentId, text };
      }
      for (const text of this.#checkReferences(file, attempt, charge)) {
        yield { rule: 'movements belong to the charge of their attempt', paymentId, text };
      }
    }
    const paid = [...charges]
      .filter(([attemptId, charge]) => !raised.has(attemptId) && (held(charge) > 0n || net(charge) > 0n))
      .map(([, charge]) => charge);
    if (paid.length > 1) {
      const text = `${paid.map(describe).join(' and ')} hold money at once`;
      yield { rule: 'one charge of a payment holds money', paymentId, text };
    }
  }

  *#checkReferences({ operations }: PaymentFile, attempt: Attempt, charge?: SandboxCharge): Generator<string> {
    const reference = attempt.processorTransactionId;
    if (reference !== null && reference !== charge?.id) {
      yield `attempt ${attempt.id} names the charge ${reference}, and its key made ${charge?.id ?? 'none'}`;
    }
    for (const operation of operations.filter(({ attemptId }) => attemptId === attempt.id)) {
      const movement = this.#movements.get(addressOf(operation));
      if (movement !== undefined && movement.chargeId !== charge?.id) {
        yield `${describeOperation(operation)} moved money of the charge ${movement.chargeId}, not of ${charge?.id ?? 'none'}`;
      }
    }
  }

  *checkStrays(): Generator<Discrepancy> {
    for (const charge of this.#charges.values()) {
      if (this.#asked.has(charge)) continue;
      yield { rule: 'every charge has its operation', paymentId: null, text: `${describe(charge)} belongs to nobody` };
    }
    for (const movement of this.#movements.values()) {
      if (this.#asked.has(movement)) continue;
      const text = `a ${movement.kind} of ${movement.amount} (${movement.id}) of the charge ${movement.chargeId} belongs to nobody`;
      yield { rule: 'every movement has its operation', paymentId: null, text };
    }
  }
}

/** One attempt against its charge. */
function* checkAttempt(file: PaymentFile, attempt: Attempt, charge: SandboxCharge | undefined): Generator<string> {
  const name = `attempt ${attempt.number} (${attempt.id}, ${attempt.status}${attempt.flag === null ? '' : `, ${attempt.flag}`})`;
  if (attempt.flag === 'LATE_SUCCESS_RETURNED' || attempt.flag === 'LATE_SUCCESS_RETURNING') {
    if (charge === undefined) yield `${name} was given back, and there is no charge`;
    else if (held(charge) > 0n || net(charge) !== 0n)
      yield `${name} was given back, and ${describe(charge)} holds money`;
    return;
  }
  const holdsMoney = attempt.status === 'AUTHORIZED' || attempt.status === 'SUCCEEDED';
  if (charge === undefined) {
    if (holdsMoney) yield `${name} has money, and there is no charge`;
    return;
  }
  if (charge.amount !== attempt.amount || charge.currency !== attempt.currency) {
    yield `${name} is of ${attempt.amount} ${attempt.currency}, and ${describe(charge)}`;
  }
  if (!holdsMoney && (held(charge) > 0n || net(charge) > 0n)) yield `${name} has no money, and ${describe(charge)} has`;
  const ofAttempt = ({ attemptId }: Capture | Refund): boolean => attemptId === attempt.id;
  const reversed = sum(file.reversals, ({ captureId }) =>
    file.captures.some((capture) => capture.id === captureId && ofAttempt(capture)),
  );
  const captured = sum(file.captures, (row) => ofAttempt(row) && hasSucceeded(row)) - reversed;
  const refunded = sum(file.refunds, (row) => ofAttempt(row) && hasSucceeded(row));
  if (captured !== charge.amountCaptured) yield `${name} captured ${captured}, and ${describe(charge)}`;
  if (refunded !== charge.amountRefunded) yield `${name} refunded ${refunded}, and ${describe(charge)}`;
  yield* checkAuthorization(file, attempt, charge, name);
}

/** What is held, and what of it was let go. */
function* checkAuthorization(
  { payment }: PaymentFile,
  attempt: Attempt,
  charge: SandboxCharge,
  name: string,
): Generator<string> {
  if (attempt.id !== payment.currentAttemptId) {
    if (held(charge) > 0n) yield `${name} is not the payment's current one, and ${describe(charge)}`;
    return;
  }
  // A charge that is voided before it was approved releases what the gateway never saw as authorised.
  if (payment.amountAuthorized > 0n && payment.amountReleased !== charge.amountReleased) {
    yield `${name} released ${payment.amountReleased}, and ${describe(charge)}`;
  }
  const open = payment.amountAuthorized - payment.amountCaptured - payment.amountReleased;
  if (open !== held(charge)) yield `${name} holds ${open}, and ${describe(charge)}`;
  if (open > 0n && payment.status !== 'AUTHORIZED')
    yield `${name} holds ${open} of a payment that is ${payment.status}`;
}

/** One capture, void, refund or return against what the sandbox booked under its key. */
function* checkOperation(file: PaymentFile, operation: Operation, movement?: SandboxMovement): Generator<string> {
  const name = describeOperation(operation);
  const { kind } = operation;
  if (kind === 'CHARGE') {
    if (movement !== undefined) yield `${name} made a ${movement.kind}`;
    return;
  }
  const kinds: readonly string[] = kind === 'RETURN' ? ['void', 'refund'] : [kind.toLowerCase()];
  if (movement !== undefined && !kinds.includes(movement.kind)) yield `${name} made a ${movement.kind}`;
  const row =
    kind === 'CAPTURE'
      ? file.captures.find(({ id }) => id === operation.captureId)
      : file.refunds.find(({ id }) => id === operation.refundId);
  if (row === undefined) {
    if (kind === 'CAPTURE' || kind === 'REFUND') yield `${name} is about no row`;
    return;
  }
  const isDone = movement?.status === 'succeeded';
  if (hasSucceeded(row) !== isDone)
    yield `${name} is ${row.status}, and the sandbox has ${movement?.status ?? 'nothing'}`;
  if (movement !== undefined && movement.amount !== row.amount) {
    yield `${name} is of ${row.amount}, and the sandbox's of ${movement.amount}`;
  }
}

/** What a charge still blocks on the card. */
function held(charge: SandboxCharge): bigint {
  return charge.status === 'approved' ? charge.amount - charge.amountCaptured - charge.amountReleased : 0n;
}

/** What a charge has taken and not given back. */
function net(charge: SandboxCharge): bigint {
  return charge.amountCaptured - charge.amountRefunded;
}

function isPending({ status }: Capture | Refund): boolean {
  return status === 'PENDING';
}

function hasSucceeded({ status }: Capture | Refund): boolean {
  return status === 'SUCCEEDED';
}

function addressOf({ environmentId, processorKey }: Operation): string {
  return `${environmentId} ${processorKey}`;
}

function describe(charge: SandboxCharge): string {
  const { id, status, amount, amountCaptured, amountReleased, amountRefunded } = charge;
  return `the charge ${id} (${status}) is of ${amount}: ${amountCaptured} captured, ${amountReleased} released, ${amountRefunded} refunded`;
}

function describeOperation({ kind, id, status }: Operation): string {
  return `${kind.toLowerCase()} ${id} (${status})`;
}
