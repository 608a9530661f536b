import type { Payment, PaymentMethod } from '../../generated/prisma/client.ts';
import type { RawCard } from '../domain/card.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { customerExists, lockPayment } from '../store/ledger.ts';
import { readDestinations } from '../store/open-orders.ts';
import type { Transaction } from '../store/transaction.ts';
import type { Address } from './address.ts';
import { runCharge, startAttempt } from './attempt.ts';
import { begin, findReplay, openPayment } from './begin.ts';
import { cardForFingerprint, fingerprintsOf, tokenizeCard, type CardUse, type TakenCard } from './card.ts';
import { ERASED } from './customer.ts';
import { checkMetadata, checkReturnUrl, type Metadata } from './details.ts';
import { runChargeAnywhere } from './failover.ts';
import { usableMethod, type PaymentResult } from './create.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import type { Keys } from './keyring.ts';
import { illegalState } from './illegal.ts';
import { checkBeforeCard, checkPayer, isOwnPayment } from './payer.ts';
import { BY_PAYMENT_METHOD } from './route.ts';

export interface ProcessPaymentInput {
  readonly idempotencyKey: string;
  readonly paymentId: string;
  /** Another way to pay than the payment has already. */
  readonly paymentMethodId: string | null;
  readonly card: RawCard | null;
  /** Where the payer comes back to; undefined leaves it as it is. */
  readonly returnUrl?: string | undefined;
  /** Of the attempt. */
  readonly metadata: unknown;
}

/** Charges a payment that waits for it, or one that failed: then with a new attempt on the same payment. */
export async function processPayment(
  gateway: Gateway,
  caller: Caller,
  input: ProcessPaymentInput,
): Promise<Result<PaymentResult, Failure>> {
  const { paymentId, card, paymentMethodId } = input;
  if (card !== null && paymentMethodId !== null) {
    return invalid('A payment is made with a card or with a stored payment method, not with both.', 'card');
  }
  const metadata = checkMetadata(input.metadata, 'metadata');
  if (!metadata.ok) return metadata;
  const returnUrl = checkReturnUrl(input.returnUrl ?? null, 'returnUrl');
  if (!returnUrl.ok) return returnUrl;
  const request = {
    operation: 'processPayment',
    key: input.idempotencyKey,
    input: (keys: Keys) => ({
      paymentId,
      paymentMethodId,
      metadata: metadata.value,
      card: card && cardForFingerprint(keys, card),
      ...(returnUrl.value === null ? {} : { returnUrl: returnUrl.value }),
    }),
  };
  const fingerprints = card && fingerprintsOf(gateway, card);
  let taken: TakenCard | null = null;
  if (card !== null) {
    const earlier = await findReplay(gateway, caller, request);
    if (earlier !== undefined) return earlier;
    const possible = await checkBeforeCard(gateway, caller, card, async (transaction, clock) => {
      const locked = await lockPayment(transaction, caller.environmentId, paymentId);
      const opened = openPayment(gateway, caller, clock, locked);
      if (!opened.ok) return opened;
      const { draft, payment } = opened.value;
      const chargeable = await checkNotErased(transaction, payment);
      if (!chargeable.ok) return chargeable;
      if (!draft.allows('ATTEMPT_STARTED')) return fail(illegalState(payment, 'processed', 'paymentId'));
      return ok({ payment, destinations: await readDestinations(transaction, payment), isNew: false });
    });
    // What speaks against it may be what the same request has made since.
    if (!possible.ok) return (await findReplay(gateway, caller, request)) ?? possible;
    const use = await useOf(gateway, caller, paymentId);
    if (!use.ok) return use;
    const tokenized = await tokenizeCard(gateway, caller, card, null, { ...use.value, seed: input.idempotencyKey });
    if (!tokenized.ok) return tokenized;
    taken = tokenized.value;
  }
  const operationId = gateway.newId();
  const resource = { resourceId: paymentId, paymentId, operationId };
  const read = (transaction: Transaction) => lockPayment(transaction, caller.environmentId, paymentId);
  const begun = await begin(gateway, caller, request, resource, {
    read,
    decide: async (transaction, { clock, origin }, locked) => {
      const opened = openPayment(gateway, caller, clock, locked);
      if (!opened.ok) return opened;
      const { draft, payment } = opened.value;
      const chargeable = await checkNotErased(transaction, payment);
      if (!chargeable.ok) return chargeable;
      const newMethod = taken?.method ?? null;
      const chosen = await methodFor(transaction, caller, payment, { newMethod, paymentMethodId });
      if (!chosen.ok) return chosen;
      const method = chosen.value;
      const destinations = caller.payer === null ? [] : await readDestinations(transaction, payment);
      const allowed = await checkPayer(transaction, caller, {
        now: clock.now,
        payment,
        fingerprints: fingerprints ?? [method.fingerprint],
        destinations,
        isNew: false,
      });
      if (!allowed.ok) return allowed;
      if (method === newMethod) draft.insert('paymentMethod', newMethod);
      if (returnUrl.value !== null) draft.set({ returnUrl: returnUrl.value });
      const started = startAttempt(gateway, draft, {
        origin,
        operationId,
        paymentMethod: method,
        metadata: metadata.value,
        routing: taken?.routing ?? BY_PAYMENT_METHOD,
        by: caller.payer === null ? 'MERCHANT' : 'PAYER',
      });
      return started.ok ? ok({ draft, value: started.value }) : started;
    },
  });
  if (!begun.ok) return begun;
  if (begun.value.replayed) return ok({ payment: begun.value.payment, replayed: true });
  const { value: charge, startedAtMs } = begun.value;
  const charged =
    card === null || taken === null
      ? await runCharge(gateway, charge, startedAtMs)
      : await runChargeAnywhere(gateway, caller, { charge, startedAtMs }, { request, card, taken });
  return ok({ payment: charged, replayed: false });
}

/** Nothing is charged for a customer who was erased, and nobody is erased meanwhile. */
async function checkNotErased(
  transaction: Transaction,
  { environmentId, customerId }: Payment,
): Promise<Result<true, Failure>> {
  if (customerId === null || (await customerExists(transaction, environmentId, customerId))) return ok(true);
  return invalid(ERASED, 'paymentId');
}

/** What a new card is to pay. */
async function useOf(
  gateway: Gateway,
  { environmentId, payer }: Caller,
  id: string,
): Promise<Result<Omit<CardUse, 'seed'>, Failure>> {
  const payment = await gateway.database.prisma.payment.findUnique({
    where: { environmentId_id: { environmentId, id } },
  });
  if (payment === null || !isOwnPayment(payer, payment)) return notFound('payment', 'paymentId');
  const { amount, currency, billingAddress, metadata } = payment;
  const address = billingAddress as Address | null;
  return ok({ amount, currency, country: address?.country ?? null, metadata: metadata as Metadata });
}

/** What a payment is charged with: the card that was given, the method that was named, or the one that it has. */
async function methodFor(
  transaction: Transaction,
  caller: Caller,
  payment: Payment,
  given: { readonly newMethod: PaymentMethod | null; readonly paymentMethodId: string | null },
): Promise<Result<PaymentMethod, Failure>> {
  if (given.newMethod !== null) return ok(given.newMethod);
  const id = given.paymentMethodId ?? payment.paymentMethodId;
  if (id === null) return invalid('The payment has no payment method yet: give one.', 'paymentMethodId');
  return usableMethod(transaction, caller, id, payment);
}
