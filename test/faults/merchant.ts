import { setTimeout as delay } from 'node:timers/promises';
import type { CardInput, PaymentFieldsFragment } from '../../generated/operations/graphql.ts';
import type { Client, Inputs } from './client.ts';
import type { Random } from './random.ts';

/** Cards and how often each is paid with, in per cent. */
const CARDS = {
  '4242424242424242': 46,
  '4000000000000002': 4,
  '4000000000009995': 4,
  '4000000000000119': 6,
  // Accepted, and approved later.
  '4000000000001018': 12,
  // The connection drops after the charge was made, or before.
  '4000000000001026': 6,
  '4000000000001034': 4,
  // Its refunds are pending, and succeed later; or succeed, and come back later.
  '4000000000007726': 10,
  '4000000000005126': 8,
} as const;

const WORK = { sell: 45, authorize: 25, prepare: 12, 'come back': 18 } as const;
const AFTER_CREATION = { process: 60, cancel: 10, 'process and cancel': 20, leave: 10 } as const;
const WHILE_PROCESSING = { cancel: 20, wait: 50, leave: 30 } as const;
const AFTER_FAILURE = { 'another card': 60, 'the same card': 10, cancel: 10, leave: 20 } as const;
const AFTER_AUTHORIZATION = {
  'capture all': 25,
  'capture a part': 30,
  'capture the last part': 15,
  'capture and cancel': 10,
  cancel: 12,
  leave: 8,
} as const;
const AFTER_SUCCESS = { 'refund all': 12, 'refund a part': 25, 'refund too much': 13, leave: 50 } as const;

/** So many payments are come back to, the last ones: what they wait for may just have happened. */
const KNOWN_MAX = 12;
/** So far a payment is followed at one go. */
const STEPS_MAX = 6;

type Payment = PaymentFieldsFragment;

/** A merchant at work: sells, authorises, captures, cancels, refunds, and comes back to what was left. */
export class Merchant {
  readonly #client: Client;
  readonly #random: Random;
  readonly #known: string[] = [];

  constructor(client: Client, random: Random) {
    this.#client = client;
    this.#random = random;
  }

  /** Works until told to stop; what was begun is carried to its answer. */
  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let payment = await this.#begin(this.#random.weighted(WORK));
      for (let step = 0; step < STEPS_MAX && payment !== undefined && !signal.aborted; step++) {
        payment = await this.#goOn(payment);
        await delay(this.#random.integer(0, 40));
      }
    }
  }

  async #begin(work: keyof typeof WORK): Promise<Payment | undefined> {
    const known = this.#known.length === 0 ? undefined : this.#random.pick(this.#known);
    if (work === 'come back' && known !== undefined) return this.#client.read(known);
    const payment = await this.#client.mutate('createPayment', {
      amount: this.#random.integer(2, 20_000),
      currency: this.#random.pick(['EUR', 'USD', 'JPY', 'KWD']),
      ...(work !== 'prepare' && { card: this.#card(), process: true }),
      ...(work !== 'sell' && { captureMethod: 'MANUAL' }),
    });
    if (payment === undefined) return undefined;
    if (this.#known.push(payment.id) > KNOWN_MAX) this.#known.shift();
    return payment;
  }

  /** What is done with a payment next; undefined for nothing. */
  async #goOn(payment: Payment): Promise<Payment | undefined> {
    switch (payment.status) {
      case 'CREATED':
        return this.#afterCreation(payment);
      case 'PROCESSING':
        return this.#whileProcessing(payment);
      case 'AUTHORIZED':
        return this.#afterAuthorization(payment);
      case 'SUCCEEDED':
        return this.#afterSuccess(payment);
      case 'FAILED':
        return this.#afterFailure(payment);
      default:
        return undefined;
    }
  }

  async #afterCreation(payment: Payment): Promise<Payment | undefined> {
    switch (this.#random.weighted(AFTER_CREATION)) {
      case 'process':
        return this.#process(payment);
      case 'cancel':
        return this.#cancel(payment);
      case 'process and cancel':
        return oneOf(this.#process(payment), this.#cancel(payment));
      default:
        return undefined;
    }
  }

  async #whileProcessing(payment: Payment): Promise<Payment | undefined> {
    switch (this.#random.weighted(WHILE_PROCESSING)) {
      case 'cancel':
        return this.#cancel(payment);
      case 'wait':
        await delay(this.#random.integer(300, 2_500));
        return this.#client.read(payment.id);
      default:
        return undefined;
    }
  }

  async #afterFailure(payment: Payment): Promise<Payment | undefined> {
    switch (this.#random.weighted(AFTER_FAILURE)) {
      case 'another card':
        return this.#process(payment);
      case 'the same card':
        return this.#client.mutate('processPayment', { paymentId: payment.id });
      case 'cancel':
        return this.#cancel(payment);
      default:
        return undefined;
    }
  }

  async #afterAuthorization(payment: Payment): Promise<Payment | undefined> {
    const part = this.#part(payment.maximumCapturable.amount);
    switch (this.#random.weighted(AFTER_AUTHORIZATION)) {
      case 'capture all':
        return this.#capture(payment, {});
      case 'capture a part':
        return this.#capture(payment, { amount: part });
      case 'capture the last part':
        return this.#capture(payment, { amount: part, final: true });
      case 'capture and cancel':
        return oneOf(this.#capture(payment, { amount: part }), this.#cancel(payment));
      case 'cancel':
        return this.#cancel(payment);
      default:
        return undefined;
    }
  }

  async #afterSuccess(payment: Payment): Promise<Payment | undefined> {
    const left = payment.maximumRefundable.amount;
    if (left === 0) return undefined;
    switch (this.#random.weighted(AFTER_SUCCESS)) {
      case 'refund all':
        return this.#refund(payment, undefined);
      case 'refund a part':
        return this.#refund(payment, this.#part(left));
      case 'refund too much': {
        // Each alone is possible; both together are not.
        const most = Math.floor(left / 2) + 1;
        return oneOf(this.#refund(payment, most), this.#refund(payment, most));
      }
      default:
        return undefined;
    }
  }

  async #process({ id }: Payment): Promise<Payment | undefined> {
    return this.#client.mutate('processPayment', { paymentId: id, card: this.#card() });
  }

  async #cancel({ id }: Payment): Promise<Payment | undefined> {
    return this.#client.mutate('cancelPayment', { paymentId: id });
  }

  async #capture(
    { id }: Payment,
    what: Pick<Inputs['capturePayment'], 'amount' | 'final'>,
  ): Promise<Payment | undefined> {
    return this.#client.mutate('capturePayment', { paymentId: id, ...what });
  }

  async #refund({ id }: Payment, amount: number | undefined): Promise<Payment | undefined> {
    return this.#client.mutate('refundPayment', { paymentId: id, ...(amount !== undefined && { amount }) });
  }

  #card(): CardInput {
    return { number: this.#random.weighted(CARDS), expMonth: 12, expYear: new Date().getFullYear() + 5, cvc: '123' };
  }

  #part(of: number): number {
    return this.#random.integer(1, Math.max(1, of));
  }
}

/** Both at once; what either made of the payment. */
async function oneOf(...both: Promise<Payment | undefined>[]): Promise<Payment | undefined> {
  const answers = await Promise.all(both);
  return answers.find((answer) => answer !== undefined);
}
