import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import { ok, type Result } from '../domain/result.ts';
import { customerExists, readById, type TransactionClock } from '../store/ledger.ts';
import { isPlaceOpen } from '../store/processor-accounts.ts';
import type { Transaction } from '../store/transaction.ts';
import { runCharge, startAttempt, type StartedCharge } from './attempt.ts';
import { begin, findReplay, type Decided } from './begin.ts';
import { cardForFingerprint, fingerprintsOf, tokenizeCard, type TakenCard } from './card.ts';
import { checkInput, type CheckedInput, type CreatePaymentInput } from './create-input.ts';
import { runChargeAnywhere } from './failover.ts';
import { findOrAddCustomer } from './customer.ts';
import { checkFuture } from './details.ts';
import { PaymentDraft } from './draft.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Keys } from './keyring.ts';
import { destinationRows, newPayment } from './new-payment.ts';
import type { Caller, Gateway } from './gateway.ts';
import { checkBeforeCard, checkPayer, mayPayWith } from './payer.ts';
import type { Origin } from './operation.ts';
import { BY_PAYMENT_METHOD } from './route.ts';

export interface PaymentResult {
  readonly payment: Payment;
  /** An earlier request with this key had made it. */
  readonly replayed: boolean;
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
  const checked = checkInput(input);
  if (!checked.ok) return checked;
  const { idempotencyKey, card, ...rest } = input;
  const request = {
    operation: 'createPayment',
    key: idempotencyKey,
    input: (keys: Keys) => ({
      ...rest,
      amount: checked.value.amount,
      currency: checked.value.currency,
      card: card && cardForFingerprint(keys, card),
    }),
  };
  const fingerprints = card && fingerprintsOf(gateway, card);
  let taken: TakenCard | null = null;
  if (card !== null) {
    const earlier = await findReplay(gateway, caller, request);
    if (earlier !== undefined) return earlier;
    const possible = await checkBeforeCard(gateway, caller, card, (_transaction, { now }) => {
      const given = { id: gateway.newId(), now, customerId: input.customerId, method: null, ...checked.value };
      const payment = newPayment(gateway, caller, given);
      return ok({ payment, destinations: destinationRows(payment, input.destinations), isNew: true });
    });
    // What speaks against it may be what the same request has made since.
    if (!possible.ok) return (await findReplay(gateway, caller, request)) ?? possible;
    const tokenized = await tokenizeCard(gateway, caller, card, null, {
      amount: checked.value.amount,
      currency: checked.value.currency,
      country: input.billingAddress?.country ?? null,
      metadata: checked.value.metadata,
      seed: idempotencyKey,
    });
    if (!tokenized.ok) return tokenized;
    taken = tokenized.value;
  }
  const paymentId = gateway.newId();
  const operationId = input.process ? gateway.newId() : null;
  const resource = { resourceId: paymentId, paymentId, operationId };
  const given = { checked: checked.value, taken, fingerprints, paymentId, operationId };
  const begun = await begin(gateway, caller, request, resource, {
    read: () => Promise.resolve(null),
    decide: (transaction, at) => decide(gateway, caller, { transaction, ...at, ...given }),
  });
  if (!begun.ok) return begun;
  const { payment, replayed } = begun.value;
  if (begun.value.replayed || begun.value.value === null) return ok({ payment, replayed });
  const { value: charge, startedAtMs } = begun.value;
  const charged =
    card === null || taken === null
      ? await runCharge(gateway, charge, startedAtMs)
      : await runChargeAnywhere(gateway, caller, { charge, startedAtMs }, { request, card, taken });
  return ok({ payment: charged, replayed: false });
}

async function decide(
  gateway: Gateway,
  caller: Caller,
  given: {
    readonly transaction: Transaction;
    readonly clock: TransactionClock;
    readonly checked: CheckedInput;
    readonly taken: TakenCard | null;
    readonly fingerprints: readonly string[] | null;
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
  const { inlineCustomer } = checked;
  const inline = inlineCustomer && (await findOrAddCustomer(gateway, caller, { transaction, clock }, inlineCustomer));
  const customerId = inline?.id ?? input.customerId;
  let method = given.taken?.method ?? null;
  if (input.paymentMethodId !== null) {
    const payment = { customerId, paymentMethodId: null };
    const usable = await usableMethod(transaction, caller, input.paymentMethodId, payment);
    if (!usable.ok) return usable;
    method = usable.value;
  }
  const payment = newPayment(gateway, caller, { id: given.paymentId, now: clock.now, method, customerId, ...checked });
  const draft = new PaymentDraft(gateway, { payment, isNew: true, clock, actor: caller.actor });
  if (inline?.added) draft.insert('customer', inline.added);
  if (given.taken !== null) draft.insert('paymentMethod', given.taken.method);
  const destinations = destinationRows(payment, input.destinations);
  for (const row of destinations) draft.insert('paymentDestination', row);
  draft.recordStatus();
  if (payment.paymentDate !== null) {
    draft.apply({ type: 'SCHEDULED' });
    draft.recordStatus();
  }
  if (operationId === null || method === null) return ok({ draft, value: null });
  const allowed = await checkPayer(transaction, caller, {
    now: clock.now,
    payment,
    fingerprints: given.fingerprints ?? [method.fingerprint],
    destinations,
    isNew: true,
  });
  if (!allowed.ok) return allowed;
  const started = startAttempt(gateway, draft, {
    origin,
    operationId,
    paymentMethod: method,
    metadata: checked.attemptMetadata,
    routing: given.taken?.routing ?? BY_PAYMENT_METHOD,
    by: caller.payer === null ? 'MERCHANT' : 'PAYER',
  });
  return started.ok ? ok({ draft, value: started.value }) : started;
}

/** A stored payment method of this environment that may pay for this customer; to a payer, no other one exists. */
export async function usableMethod(
  transaction: Transaction,
  caller: Caller,
  id: string,
  payment: Pick<Payment, 'customerId' | 'paymentMethodId'>,
): Promise<Result<PaymentMethod, Failure>> {
  const { customerId } = payment;
  const method = await readById(transaction, 'paymentMethod', caller.environmentId, id);
  if (method === undefined || !mayPayWith(caller.payer, method, payment)) {
    return notFound('payment method', 'paymentMethodId');
  }
  if (method.detachedAt !== null) return invalid('The payment method was detached.', 'paymentMethodId');
  if (!(await isPlaceOpen(transaction, method))) {
    return invalid('The processor account of the payment method is disabled.', 'paymentMethodId');
  }
  if (customerId !== null && method.customerId !== null && method.customerId !== customerId) {
    return invalid('The payment method belongs to another customer.', 'paymentMethodId');
  }
  return ok(method);
}
