import type { Stripe } from 'stripe';
import type { TestCard } from './cards.ts';
import { nowSeconds, objectOf } from './objects.ts';
import { invalid, missing, Refusal, unexpectedState } from './refusal.ts';
import { Wallet } from './wallet.ts';
import type { Params } from './validation.ts';

/** How long an authorisation is held: seven days, as with most cards. */
const HOLD_SECONDS = 7 * 24 * 3_600;

/** Money that moved. */
export interface Move {
  readonly intent: string;
  readonly kind: 'authorized' | 'captured' | 'released' | 'refunded' | 'returned';
  readonly amount: number;
}

type Changed = Stripe.PaymentIntent | Stripe.Refund | Stripe.Dispute | Stripe.Charge;

/** What the stand-in has on record: its intents, charges and refunds, and each time that money moved. */
export class Books {
  readonly intents = new Map<string, Stripe.PaymentIntent>();
  readonly charges = new Map<string, Stripe.Charge>();
  readonly transactions = new Map<string, Stripe.BalanceTransaction>();
  readonly refunds = new Map<string, Stripe.Refund>();
  readonly disputes = new Map<string, Stripe.Dispute>();
  readonly moves: Move[] = [];
  /** Where 3-D Secure leads the payer of an intent back to. */
  readonly returnUrls = new Map<string, string>();
  /** With what an intent is to be paid: it forgets that when it is declined. */
  readonly #tokens = new Map<string, string>();
  readonly wallet = new Wallet();
  readonly #baseUrl: () => string;
  readonly #changed: (type: string, object: Changed) => void;

  constructor(baseUrl: () => string, changed: (type: string, object: Changed) => void) {
    this.#baseUrl = baseUrl;
    this.#changed = changed;
  }

  createIntent(params: Params): Stripe.PaymentIntent {
    const { amount, currency, capture_method, metadata, payment_method: token, customer = null } = params;
    this.wallet.use(token as string, customer);
    const intent = objectOf('payment_intent', {
      amount: amount as number,
      currency: currency as string,
      capture_method: (capture_method as 'automatic' | undefined) ?? 'automatic',
      metadata: (metadata as Record<string, string> | undefined) ?? {},
      payment_method: token as string,
      customer: customer as string | null,
      statement_descriptor_suffix: (params['statement_descriptor_suffix'] as string | undefined) ?? null,
      status: 'requires_confirmation',
      canceled_at: null,
      last_payment_error: null,
      next_action: null,
      processing: null,
    });
    this.intents.set(intent.id, intent);
    this.#tokens.set(intent.id, token as string);
    this.#tell('payment_intent.created', intent);
    return intent;
  }

  update(id: string, { metadata }: Params): Stripe.PaymentIntent {
    const intent = this.readIntent(id);
    Object.assign(intent.metadata, metadata);
    return intent;
  }

  confirm(id: string, { off_session: offSession, return_url: returnUrl }: Params): Stripe.PaymentIntent {
    const intent = this.readIntent(id);
    if (intent.status !== 'requires_confirmation') throw unexpectedState(intent);
    const card = this.#cardOf(intent);
    if (card.threeDSecure && offSession === true) {
      const code = 'authentication_required';
      throw this.#fail(intent, { code, decline_code: code });
    }
    if (card.threeDSecure) {
      intent.status = 'requires_action';
      intent.next_action = this.#nextAction(intent.id, returnUrl);
      this.#tell('payment_intent.requires_action', intent);
      return intent;
    }
    if (card.later !== undefined) {
      intent.status = 'processing';
      this.#tell('payment_intent.processing', intent);
      return intent;
    }
    const declined = this.#take(intent, card);
    if (declined !== undefined) throw declined;
    return intent;
  }

  capture(id: string, { amount_to_capture: amount, metadata }: Params): Stripe.PaymentIntent {
    const intent = this.readIntent(id);
    if (intent.status !== 'requires_capture') throw unexpectedState(intent);
    const taken = (amount as number | undefined) ?? intent.amount;
    if (taken > intent.amount) throw invalid('amount_too_large', 'amount_to_capture');
    Object.assign(intent.metadata, metadata);
    this.#captured(intent, taken);
    if (taken < intent.amount) this.#move(intent, 'released', intent.amount - taken);
    return intent;
  }

  cancel(id: string, reason: Stripe.PaymentIntent['cancellation_reason']): Stripe.PaymentIntent {
    const intent = this.readIntent(id);
    if (intent.status === 'canceled' || intent.status === 'succeeded' || intent.status === 'processing') {
      throw unexpectedState(intent);
    }
    if (intent.status === 'requires_capture') this.#move(intent, 'released', intent.amount_capturable);
    Object.assign(intent, { status: 'canceled', canceled_at: nowSeconds(), amount_capturable: 0, next_action: null });
    intent.cancellation_reason = reason;
    this.#tell('payment_intent.canceled', intent);
    return intent;
  }

  refund({ payment_intent: id, amount, metadata }: Params): Stripe.Refund {
    const intent = this.readIntent(id as string);
    if (intent.status !== 'succeeded') throw unexpectedState(intent);
    const left = intent.amount_received - this.#refunded(intent.id);
    const back = (amount as number | undefined) ?? left;
    if (left === 0) throw invalid('charge_already_refunded');
    if (back > left) throw invalid('amount_too_large', 'amount');
    const card = this.#cardOf(intent);
    const refund = objectOf('refund', {
      amount: back,
      currency: intent.currency,
      charge: intent.latest_charge,
      payment_intent: intent.id,
      metadata: (metadata as Record<string, string> | undefined) ?? {},
      status: card.refunds === 'pending' ? 'pending' : 'succeeded',
    });
    this.refunds.set(refund.id, refund);
    this.#move(intent, 'refunded', back);
    this.#tell('refund.created', refund);
    return refund;
  }

  readIntent(id: string): Stripe.PaymentIntent {
    const intent = this.intents.get(id);
    if (intent === undefined) throw missing('intent');
    return intent;
  }

  readRefund(id: string): Stripe.Refund {
    const refund = this.refunds.get(id);
    if (refund === undefined) throw missing('refund');
    return refund;
  }

  /** The payer has passed 3-D Secure, or failed it. */
  completeAction(id: string, passed: boolean): Stripe.PaymentIntent {
    const intent = this.readIntent(id);
    if (intent.status !== 'requires_action') return intent;
    intent.next_action = null;
    if (passed) this.#take(intent, this.#cardOf(intent));
    else this.#fail(intent, { code: 'payment_intent_authentication_failure' });
    return intent;
  }

  /** What was processing comes to its end. */
  finishProcessing(id: string): void {
    const intent = this.readIntent(id);
    const card = this.#cardOf(intent);
    if (card.later === 'fails') this.#fail(intent, { code: 'card_declined', decline_code: 'generic_decline' });
    else this.#take(intent, card);
  }

  /** A refund comes to its end. */
  finishRefund(id: string, status: 'succeeded' | 'failed'): void {
    const refund = this.readRefund(id);
    refund.status = status;
    if (status === 'failed') {
      refund.failure_reason = 'expired_or_canceled_card';
      this.#move(this.readIntent(refund.payment_intent as string), 'returned', refund.amount);
    }
    this.#tell(status === 'failed' ? 'refund.failed' : 'refund.updated', refund);
  }

  /** Nobody has captured it in time. */
  expire(id: string): void {
    this.cancel(id, 'automatic');
  }

  /** The money of a charge is in the merchant's balance. */
  settle(id: string): void {
    const charge = this.#chargeOf(this.readIntent(id));
    const transaction = this.transactions.get(charge.balance_transaction as string);
    if (transaction === undefined) throw new Error('it was not captured');
    transaction.status = 'available';
  }

  dispute(id: string, status: Stripe.Dispute['status'], amount?: number): Stripe.Dispute {
    const intent = this.readIntent(id);
    const charge = this.#chargeOf(intent);
    charge.disputed = true;
    const dispute = objectOf('dispute', {
      amount: amount ?? charge.amount_captured,
      charge: charge.id,
      payment_intent: intent.id,
      status,
    });
    this.disputes.set(dispute.id, dispute);
    this.#tell('charge.dispute.closed', dispute);
    return dispute;
  }

  /** Charges a card that nothing more is to be asked of. @returns why it was declined, where it was */
  #take(intent: Stripe.PaymentIntent, { decline, brand }: TestCard): Refusal | undefined {
    if (decline !== undefined) return this.#fail(intent, decline);
    const charge = this.#addCharge(intent, 'succeeded');
    Object.assign(charge.payment_method_details?.card ?? {}, {
      brand,
      capture_before: nowSeconds() + HOLD_SECONDS,
      network_transaction_id: '104102978678771',
    });
    this.#move(intent, 'authorized', intent.amount);
    if (intent.capture_method === 'automatic') {
      this.#captured(intent, intent.amount);
      return undefined;
    }
    Object.assign(intent, { status: 'requires_capture', amount_capturable: intent.amount });
    this.#tell('payment_intent.amount_capturable_updated', intent);
    return undefined;
  }

  #fail(intent: Stripe.PaymentIntent, why: { readonly code: string; readonly decline_code?: string }): Refusal {
    // 3-D Secure that failed never came to a charge.
    if (why.code !== 'payment_intent_authentication_failure') this.#addCharge(intent, 'failed');
    Object.assign(intent, { status: 'requires_payment_method', payment_method: null, next_action: null });
    intent.last_payment_error = { type: 'card_error', ...why };
    this.#tell('payment_intent.payment_failed', intent);
    return new Refusal(402, { type: 'card_error', ...why, payment_intent: structuredClone(intent) });
  }

  #addCharge(intent: Stripe.PaymentIntent, status: 'failed' | 'succeeded'): Stripe.Charge {
    const { id, amount, currency, metadata } = intent;
    const fields = { amount, currency, metadata, status, payment_intent: id, paid: status === 'succeeded' };
    const charge = objectOf('charge', { ...fields, captured: false, amount_captured: 0, balance_transaction: null });
    this.charges.set(charge.id, charge);
    intent.latest_charge = charge.id;
    return charge;
  }

  #captured(intent: Stripe.PaymentIntent, amount: number): void {
    const charge = this.#chargeOf(intent);
    Object.assign(charge, { captured: true, amount_captured: amount });
    const transaction = objectOf('balance_transaction', { amount, currency: intent.currency, status: 'pending' });
    charge.balance_transaction = transaction.id;
    this.transactions.set(transaction.id, transaction);
    Object.assign(intent, { status: 'succeeded', amount_received: amount, amount_capturable: 0 });
    this.#move(intent, 'captured', amount);
    this.#tell('payment_intent.succeeded', intent);
  }

  #chargeOf(intent: Stripe.PaymentIntent): Stripe.Charge {
    const charge = this.charges.get(intent.latest_charge as string);
    if (charge === undefined) throw new Error('the intent has no charge');
    return charge;
  }

  #cardOf(intent: Stripe.PaymentIntent): TestCard {
    return this.wallet.read(this.#tokens.get(intent.id) ?? '').card;
  }

  /** Without a way back, only Stripe's own script can ask the payer. */
  #nextAction(id: string, returnUrl: unknown): Stripe.PaymentIntent.NextAction {
    if (typeof returnUrl !== 'string') return { type: 'use_stripe_sdk', use_stripe_sdk: {} };
    const url = `${this.#baseUrl()}/3ds/${id}`;
    this.returnUrls.set(id, returnUrl);
    return { type: 'redirect_to_url', redirect_to_url: { url, return_url: returnUrl } };
  }

  #refunded(id: string): number {
    const standing = [...this.refunds.values()].filter(
      ({ payment_intent: of, status }) => of === id && status !== 'failed' && status !== 'canceled',
    );
    return standing.reduce((sum, { amount }) => sum + amount, 0);
  }

  #move(intent: Stripe.PaymentIntent, kind: Move['kind'], amount: number): void {
    this.moves.push({ intent: intent.id, kind, amount });
  }

  #tell(type: string, object: Changed): void {
    this.#changed(type, structuredClone(object));
  }
}
