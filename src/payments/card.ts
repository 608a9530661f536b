import type { PaymentMethod } from '../../generated/prisma/client.ts';
import { checkCard, normalizeCardNumber, type RawCard } from '../domain/card.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { checkText } from './details.ts';
import { callProcessor } from './operation.ts';
import { invalid, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

/** A card in the form in which it may stand in an input's fingerprint: no number, no CVC. */
export function cardForFingerprint(gateway: Gateway, card: RawCard): unknown {
  const { number, cvc: _, ...rest } = card;
  return { ...rest, fingerprint: gateway.keyring.fingerprintCard(normalizeCardNumber(number)) };
}

/**
 * Exchanges a card for the processor's token. This comes before anything is written and moves no money, so it
 * may simply be done again; after it nothing needs the number any more.
 * @returns a payment method that is not stored yet
 */
export async function tokenizeCard(
  gateway: Gateway,
  caller: Caller,
  card: RawCard,
  customerId: string | null,
): Promise<Result<PaymentMethod, Failure>> {
  const now = gateway.now();
  const [problem] = checkCard(card, now);
  if (problem !== undefined) return invalid(problem.message, 'card', problem.field);
  const holder = checkText(card.holderName, ['card', 'holderName']);
  if (!holder.ok) return holder;
  const processor = gateway.processors.standard(caller.mode);
  if (processor === undefined) {
    const message = `No processor is set up for ${caller.mode.toLowerCase()} payments.`;
    return fail({ code: 'PROCESSOR_UNAVAILABLE', message, path: ['input', 'card'] });
  }
  const id = gateway.newId();
  const outcome = await callProcessor(gateway, { id, kind: 'TOKENIZE' }, processor, performance.now(), (signal) =>
    processor.tokenize({ merchant: caller.environmentId, card }, signal),
  );
  if (outcome.kind === 'refused') {
    return fail({ code: 'CARD_REFUSED', message: outcome.message, path: ['input', 'card', 'number'] });
  }
  if (outcome.kind === 'misconfigured') {
    gateway.report('a processor refused to take a card: look at its configuration', {
      processor: processor.name,
      reason: outcome.message,
    });
  }
  if (outcome.kind !== 'tokenized') {
    const message = 'The processor did not take the card. Nothing was charged: ask again with the same key.';
    return fail({ code: 'PROCESSOR_UNAVAILABLE', message, path: ['input', 'card'] });
  }
  const number = normalizeCardNumber(card.number);
  return ok({
    environmentId: caller.environmentId,
    id,
    customerId,
    type: 'CARD',
    processor: processor.name,
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
