import type { PaymentMethod, ProcessorAccount } from '../../generated/prisma/client.ts';
import { brandOf, checkCard, normalizeCardNumber, type RawCard } from '../domain/card.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import type { TokenDescription } from '../processors/account-port.ts';
import { findProcessorAccount } from '../store/processor-accounts.ts';
import { checkText } from './details.ts';
import { callProcessor, SEALED } from './operation.ts';
import { inTime, reportSilence } from './in-time.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';
import type { Keys } from './keyring.ts';
import type { Place } from '../store/operations.ts';
import type { RoutingSubject } from '../domain/routing.ts';
import { wayFor, type Routing } from './route.ts';

/** A card in the form in which it may stand in an input's fingerprint: no number, no CVC. */
export function cardForFingerprint(keys: Keys, card: RawCard): unknown {
  const { number, cvc: _, ...rest } = card;
  return { ...rest, fingerprint: keys.fingerprintCard(normalizeCardNumber(number)) };
}

/** The fingerprints under which a card may be stored: one of each secret. */
export function fingerprintsOf({ keyring }: Gateway, card: RawCard): string[] {
  const number = normalizeCardNumber(card.number);
  return keyring.all.map((keys) => keys.fingerprintCard(number));
}

/** What a card is to pay, as far as it is known. */
export interface CardUse extends Omit<RoutingSubject, 'brand'> {
  /** The same for a request that is sent again: it goes to the same processor. */
  readonly seed: string;
}

/** A card that a processor has taken. */
export interface TakenCard {
  /** Not stored yet. */
  readonly method: PaymentMethod;
  readonly routing: Routing;
  /** Where else it could be charged, if nothing can have happened there. */
  readonly elsewhere: readonly Place[];
}

/**
 * Exchanges a card for the token of a processor, the first on its way that takes it. This comes before anything is
 * written and moves no money, so it may simply be done again, and elsewhere, whatever the answer was; after it nothing
 * needs the number any more.
 */
export async function tokenizeCard(
  gateway: Gateway,
  caller: Caller,
  card: RawCard,
  customerId: string | null,
  { seed, ...use }: CardUse,
): Promise<Result<TakenCard, Failure>> {
  const checked = checkRawCard(gateway, card);
  if (!checked.ok) return checked;
  const brand = brandOf(normalizeCardNumber(card.number));
  const { places, routing } = await wayFor(gateway, caller, { ...use, brand }, seed);
  let failed: Result<never, Failure> = noProcessor(caller);
  for (const [index, place] of places.entries()) {
    const taken = await tokenizeAt(gateway, caller, place, { card, customerId });
    if (taken.ok) {
      const how: Routing = index === 0 ? routing : { ...routing, routing: 'FAILOVER' };
      return ok({ method: taken.value, routing: how, elsewhere: places.slice(index + 1) });
    }
    failed = taken;
  }
  return failed;
}

function noProcessor({ mode }: Caller): Result<never, Failure> {
  const message = `No processor takes the number of a ${mode.toLowerCase()} card at the moment. Nothing was charged: explainRouting says why.`;
  return fail({ code: 'PROCESSOR_UNAVAILABLE', message, path: ['input', 'card'] });
}

function checkRawCard(gateway: Gateway, card: RawCard): Result<true, Failure> {
  const [problem] = checkCard(card, gateway.now());
  if (problem !== undefined) return invalid(problem.message, 'card', problem.field);
  const holder = checkText(card.holderName, ['card', 'holderName']);
  return holder.ok ? ok(true) : holder;
}

/**
 * Exchanges a card for the token of one processor. @returns a payment method that is not stored yet
 */
export async function tokenizeAt(
  gateway: Gateway,
  caller: Caller,
  place: Place,
  { card, customerId }: { readonly card: RawCard; readonly customerId: string | null },
): Promise<Result<PaymentMethod, Failure>> {
  const now = gateway.now();
  const id = gateway.newId();
  const outcome = await callProcessor(
    gateway,
    { ...place, id, kind: 'TOKENIZE' },
    performance.now(),
    (processor, signal) => processor.tokenize({ merchant: caller.environmentId, card }, signal),
  );
  if (outcome.kind === 'refused') {
    return fail({ code: 'CARD_REFUSED', message: outcome.message, path: ['input', 'card', 'number'] });
  }
  if (outcome.kind !== 'tokenized') return unavailable(gateway, place.processor, outcome, 'card');
  const number = normalizeCardNumber(card.number);
  return ok({
    ...place,
    id,
    customerId,
    type: 'CARD',
    processorToken: outcome.token,
    brand: outcome.brand,
    last4: number.slice(-4),
    expMonth: card.expMonth,
    expYear: card.expYear,
    holderName: card.holderName,
    country: outcome.country,
    fingerprint: gateway.keyring.fingerprintCard(number),
    createdAt: now,
    updatedAt: now,
    detachedAt: null,
    createdBy: caller.actor,
    updatedBy: caller.actor,
  });
}

/** "pm_…", for instance. Nothing that could lead elsewhere in an address. */
const TOKEN = /^[\w-]+$/;
/** Longer than any processor's. */
const TOKEN_LENGTH_MAX = 200;

/**
 * Asks a processor what a token is that a page of the merchant's had from it.
 * @returns a payment method that is not stored yet
 */
export async function describeToken(
  gateway: Gateway,
  caller: Caller,
  { token, accountId }: { readonly token: string; readonly accountId: string },
  customerId: string | null,
): Promise<Result<PaymentMethod, Failure>> {
  const { environmentId, actor } = caller;
  const account = await findProcessorAccount(gateway.database, environmentId, accountId);
  if (account === undefined) return notFound('processor account', 'token', 'processorAccountId');
  const { processor } = account;
  if (!account.enabled) return invalid('The processor account is disabled.', 'token', 'processorAccountId');
  // A card number in its place must not go out in an address.
  if (!TOKEN.test(token) || !checkText(token, ['token', 'id'], TOKEN_LENGTH_MAX).ok) {
    return invalid("This is no token of a processor's.", 'token', 'id');
  }
  const described = await describe(gateway, account, token);
  if (described.kind === 'refused') {
    return fail({ code: 'CARD_REFUSED', message: described.message, path: ['input', 'token', 'id'] });
  }
  if (described.kind !== 'card') return unavailable(gateway, processor, described, 'token');
  const now = gateway.now();
  const id = gateway.newId();
  const { brand, last4, expMonth, expYear, holderName, country, fingerprint } = described;
  return ok({
    environmentId,
    id,
    customerId,
    type: 'CARD',
    processor,
    processorAccountId: accountId,
    processorToken: token,
    brand,
    last4,
    expMonth,
    expYear,
    holderName,
    country,
    // Of a card whose number is not known here, the processor's own is all that there is.
    fingerprint: gateway.keyring.fingerprintCard(`${accountId} ${fingerprint ?? id}`),
    createdAt: now,
    updatedAt: now,
    detachedAt: null,
    createdBy: actor,
    updatedBy: actor,
  });
}

/** What the processor of an account says of a token; unknown where nothing is heard of it, or nobody can ask. */
async function describe(gateway: Gateway, account: ProcessorAccount, token: string): Promise<TokenDescription> {
  const connection = await gateway.processors.to(account);
  if (connection === undefined) {
    gateway.report(SEALED, { processor: account.processor, processorAccountId: account.id });
    return { kind: 'not_sent' };
  }
  try {
    return await inTime(connection.limits.callTimeoutMs, (signal) => connection.describeToken(token, signal));
  } catch (error) {
    reportSilence(gateway, account.processor, error);
    return { kind: 'unknown' };
  }
}

function unavailable(
  gateway: Gateway,
  processor: string,
  answer: { readonly kind: 'unknown' | 'not_sent' } | { readonly kind: 'misconfigured'; readonly message: string },
  field: 'card' | 'token',
): Result<never, Failure> {
  if (answer.kind === 'misconfigured') {
    const reason = answer.message;
    gateway.report('a processor refused to take a card: look at its configuration', { processor, reason });
  }
  const message = 'The processor did not take the card. Nothing was charged: ask again with the same key.';
  return fail({ code: 'PROCESSOR_UNAVAILABLE', message, path: ['input', field] });
}
