import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import type { RawCard } from '../domain/card.ts';
import type { Currency } from '../domain/currency.ts';
import { ok, type Result } from '../domain/result.ts';
import { customerExists, readById, type TransactionClock } from '../store/ledger.ts';
import type { Transaction } from '../store/transaction.ts';
import { runCharge, startAttempt, type StartedCharge } from './attempt.ts';
import { begin, findReplay, type Decided } from './begin.ts';
import { cardForFingerprint, tokenizeCard } from './card.ts';
import {
  checkFuture,
  checkMetadata,
  checkMoney,
  checkReturnUrl,
  checkStatementDescriptor,
  checkText,
  type Metadata,
} from './details.ts';
import { checkDestinations, type DestinationInput } from './destinations.ts';
import { PaymentDraft } from './draft.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import { destinationRows, newPayment } from './new-payment.ts';
import type { Caller, Gateway } from './gateway.ts';
import type { Origin } from './operation.ts';

export interface CreatePaymentInput {
  readonly idempotencyKey: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly customerId: string | null;
  readonly paymentMethodId: string | null;
  readonly card: RawCard | null;
  readonly captureMethod: 'AUTOMATIC' | 'MANUAL';
  readonly initiator: 'CUSTOMER' | 'MERCHANT';
  readonly offSession: boolean;
  readonly destinations: readonly DestinationInput[];
  readonly description: string | null;
  readonly statementDescriptor: string | null;
  readonly returnUrl: string | null;
  readonly metadata: unknown;
  /** Charge it at this moment, by itself. */
  readonly paymentDate: Date | null;
  /** Unless it is paid by then, it expires. */
  readonly expiresAt: Date | null;
  readonly active: boolean;
  /** Charge it at once. */
  readonly process: boolean;
}

export interface PaymentResult {
  readonly payment: Payment;
  /** An earlier request with this key had made it. */
  readonly replayed: boolean;
}

/** What the input comes to once it is checked. */
interface Checked {
  readonly input: CreatePaymentInput;
  readonly currency: Currency;
  readonly metadata: Metadata;
}

/**
 * Creates a payment and, if asked to, charges it. A card that is declined is no failure: the payment is FAILED
 * then, and says why.
 */
export async function createPayment(
  gateway: Gateway,
  caller: Caller,
  input: CreatePaymentInput,
): Promise<Result<PaymentResult, Failure>> {
  const checked = check(input);
  if (!checked.ok) return checked;
  const { idempotencyKey, card, ...rest } = input;
  const request = {
    operation: 'createPayment',
    key: idempotencyKey,
    input: { ...rest, currency: checked.value.currency, card: card && cardForFingerprint(gateway, card) },
  };
  let method: PaymentMethod | null = null;
  if (card !== null) {
    const earlier = await findReplay(gateway, caller, request);
    if (earlier !== undefined) return earlier;
    const tokenized = await tokenizeCard(gateway, caller, card, null);
    if (!tokenized.ok) return tokenized;
    method = tokenized.value;
  }
  const paymentId = gateway.newId();
  const operationId = input.process ? gateway.newId() : null;
  const resource = { resourceId: paymentId, paymentId, operationId };
  const begun = await begin(gateway, caller, request, resource, (transaction, clock, origin) =>
    decide(gateway, caller, { transaction, clock, origin, checked: checked.value, method, paymentId, operationId }),
  );
  if (!begun.ok) return begun;
  const { payment, replayed } = begun.value;
  if (begun.value.replayed || begun.value.value === null) return ok({ payment, replayed });
  return ok({ payment: await runCharge(gateway, begun.value.value, begun.value.startedAtMs), replayed: false });
}

function check(input: CreatePaymentInput): Result<Checked, Failure> {
  const money = checkMoney(input.amount, input.currency);
  if (!money.ok) return money;
  const metadata = checkMetadata(input.metadata, 'metadata');
  if (!metadata.ok) return metadata;
  const others = [
    checkText(input.description, ['description']),
    checkStatementDescriptor(input.statementDescriptor, 'statementDescriptor'),
    checkReturnUrl(input.returnUrl, 'returnUrl'),
    checkDestinations(input.destinations, input.amount),
  ];
  for (const other of others) if (!other.ok) return other;
  if (input.card !== null && input.paymentMethodId !== null) {
    return invalid('A payment is made with a card or with a stored payment method, not with both.', 'card');
  }
  if (input.process && input.card === null && input.paymentMethodId === null) {
    return invalid('To be processed, a payment needs a card or a payment method.', 'process');
  }
  if (input.process && input.paymentDate !== null) {
    return invalid('A payment is charged at once or at its date, not both.', 'paymentDate');
  }
  if (input.paymentDate !== null && input.card === null && input.paymentMethodId === null) {
    return invalid('To be scheduled, a payment needs a card or a payment method.', 'paymentDate');
  }
  if (input.paymentDate !== null && input.expiresAt !== null && input.expiresAt <= input.paymentDate) {
    return invalid('A payment cannot be charged at a date after it has expired.', 'expiresAt');
  }
  return ok({ input, currency: money.value.currency, metadata: metadata.value });
}

async function decide(
  gateway: Gateway,
  caller: Caller,
  given: {
    readonly transaction: Transaction;
    readonly clock: TransactionClock;
    readonly checked: Checked;
    readonly method: PaymentMethod | null;
    readonly origin: Origin;
    readonly paymentId: string;
    readonly operationId: string | null;
  },
): Promise<Result<Decided<StartedCharge | null>, Failure>> {
  const { transaction, clock, origin, checked, operationId } = given;
  const { input } = checked;
  const { environmentId } = caller;
  for (const field of ['paymentDate', 'expiresAt'] as const) {
    const inTime = input[field] === null ? ok(null) : checkFuture(input[field], clock.now, field);
    if (!inTime.ok) return inTime;
  }
  if (input.customerId !== null && !(await customerExists(transaction, environmentId, input.customerId))) {
    return notFound('customer', 'customerId');
  }
  let { method } = given;
  if (input.paymentMethodId !== null) {
    const usable = await usableMethod(transaction, caller, input.paymentMethodId, input.customerId);
    if (!usable.ok) return usable;
    method = usable.value;
  }
  const payment = newPayment(caller, { id: given.paymentId, now: clock.now, method, ...checked });
  const draft = new PaymentDraft(gateway, { payment, isNew: true, clock, actor: caller.actor });
  if (given.method !== null) draft.insert('paymentMethod', given.method);
  for (const row of destinationRows(payment, input.destinations)) draft.insert('paymentDestination', row);
  draft.recordStatus();
  if (payment.paymentDate !== null) {
    draft.apply({ type: 'SCHEDULED' });
    draft.recordStatus();
  }
  if (operationId === null || method === null) return ok({ draft, value: null });
  const started = startAttempt(gateway, draft, {
    origin,
    operationId,
    paymentMethod: method,
    by: 'CLIENT',
  });
  return started.ok ? ok({ draft, value: started.value }) : started;
}

/** A stored payment method of this environment that may pay for this customer. */
export async function usableMethod(
  transaction: Transaction,
  caller: Caller,
  id: string,
  customerId: string | null,
): Promise<Result<PaymentMethod, Failure>> {
  const method = await readById(transaction, 'paymentMethod', caller.environmentId, id);
  if (method === undefined) return notFound('payment method', 'paymentMethodId');
  if (method.detachedAt !== null) return invalid('The payment method was detached.', 'paymentMethodId');
  if (customerId !== null && method.customerId !== null && method.customerId !== customerId) {
    return invalid('The payment method belongs to another customer.', 'paymentMethodId');
  }
  return ok(method);
}
