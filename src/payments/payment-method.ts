import type { PaymentMethod } from '../../generated/prisma/client.ts';
import type { RawCard } from '../domain/card.ts';
import { ok, type Result } from '../domain/result.ts';
import { describeToken, tokenizeCard } from './card.ts';
import { ERASED } from './customer.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

export interface CreatePaymentMethodInput {
  /** Null only with a token: whoever has it may be no customer. */
  readonly customerId: string | null;
  readonly source: { readonly card: RawCard } | { readonly token: string; readonly accountId: string };
}

/** Enough for anyone. Cards that are stored at the same moment may exceed it by as many as those are. */
const PAYMENT_METHODS_MAX = 100;

/** Stores a way to pay, as the processor's token: a card that is exchanged for one, or a token that there is. It moves no money, so it takes no idempotency key. */
export async function createPaymentMethod(
  gateway: Gateway,
  caller: Caller,
  input: CreatePaymentMethodInput,
): Promise<Result<PaymentMethod, Failure>> {
  const { environmentId } = caller;
  const { customerId, source } = input;
  const { customer, paymentMethod } = gateway.database.prisma;
  if (customerId !== null) {
    const known = await customer.findUnique({ where: { environmentId_id: { environmentId, id: customerId } } });
    if (known === null) return notFound('customer', 'customerId');
    if (known.erasedAt !== null) return invalid(ERASED, 'customerId');
    const attached = await paymentMethod.count({ where: { environmentId, customerId, detachedAt: null } });
    if (attached >= PAYMENT_METHODS_MAX) {
      return invalid(`A customer has at most ${PAYMENT_METHODS_MAX} payment methods: detach one.`, 'customerId');
    }
  } else if ('card' in source) {
    return invalid('Say whose card it is. Only a token may be of nobody.', 'customerId');
  }
  const method =
    'card' in source
      ? await storeCard(gateway, caller, source.card, customerId)
      : await describeToken(gateway, caller, source, customerId);
  return method.ok ? ok(await paymentMethod.create({ data: method.value })) : method;
}

/** A card that is to pay nobody knows what. */
async function storeCard(
  gateway: Gateway,
  caller: Caller,
  card: RawCard,
  customerId: string | null,
): Promise<Result<PaymentMethod, Failure>> {
  const use = { amount: null, currency: null, country: null, metadata: {}, seed: gateway.newId() };
  const taken = await tokenizeCard(gateway, caller, card, customerId, use);
  return taken.ok ? ok(taken.value.method) : taken;
}

/** Keeps a payment method from being used again. What was paid with it stays; doing it twice changes nothing. */
export async function detachPaymentMethod(
  gateway: Gateway,
  caller: Caller,
  id: string,
): Promise<Result<PaymentMethod, Failure>> {
  const { environmentId, actor } = caller;
  const { paymentMethod } = gateway.database.prisma;
  const now = gateway.now();
  await paymentMethod.updateMany({
    where: { environmentId, id, detachedAt: null },
    data: { detachedAt: now, updatedAt: now, updatedBy: actor },
  });
  const detached = await paymentMethod.findUnique({ where: { environmentId_id: { environmentId, id } } });
  return detached === null ? notFound('payment method', 'paymentMethodId') : ok(detached);
}
