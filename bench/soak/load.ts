import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Replica } from './replica.ts';

/** One customer's round: a payment is made and read, and every fifth is refunded in part. */
export class Shop {
  readonly #replicas: readonly Replica[];
  readonly #key: string;
  #rounds = 0;
  /** What went wrong, by its text. */
  readonly errors = new Map<string, number>();

  constructor(replicas: readonly Replica[], key: string) {
    this.#replicas = replicas;
    this.#key = key;
  }

  async round(): Promise<void> {
    const number = this.#rounds++;
    const { url = '' } = this.#replicas[number % this.#replicas.length] ?? {};
    try {
      const input = { idempotencyKey: randomUUID(), amount: 1_000, currency: 'EUR', process: true, card: CARD };
      const { createPayment } = await this.#ask<Created>(url, CREATE, { input });
      const id = createPayment.payment?.id;
      if (createPayment.payment?.status !== 'SUCCEEDED' || id === undefined) throw new Error('a payment failed');
      await this.#ask(url, READ, { id });
      if (number % 5 !== 0) return;
      const refund = { idempotencyKey: randomUUID(), paymentId: id, amount: 100 };
      const { refundPayment } = await this.#ask<Refunded>(url, REFUND, { input: refund });
      if (refundPayment.refund === undefined) throw new Error('a refund failed');
    } catch (error) {
      const { message } = error as Error;
      this.errors.set(message, (this.errors.get(message) ?? 0) + 1);
    }
  }

  async #ask<T>(url: string, query: string, variables: object): Promise<T> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data?: T; errors?: readonly { message: string }[] };
    if (data === undefined || errors !== undefined) throw new Error(errors?.[0]?.message ?? `HTTP ${response.status}`);
    return data;
  }
}

/** As many rounds as there can be, so many at a time. @returns rounds in a second */
export async function capacity(shop: Shop, { atOnce, seconds }: { atOnce: number; seconds: number }): Promise<number> {
  const startMs = performance.now();
  let done = 0;
  const work = async (): Promise<void> => {
    while (performance.now() - startMs < seconds * 1_000) {
      await shop.round();
      done++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return (done * 1_000) / (performance.now() - startMs);
}

/** One round: when it was to begin, and how long after that it was over. */
export interface Taken {
  readonly atMs: number;
  readonly ms: number;
}

/** Rounds at a set rate, whether those before have ended or not: who comes late waits, and it counts. */
export async function steady(
  shop: Shop,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Taken[]> {
  const taken: Taken[] = [];
  const underWay = new Set<Promise<void>>();
  const startMs = performance.now();
  const begin = async (atMs: number): Promise<void> => {
    await shop.round();
    taken.push({ atMs, ms: performance.now() - startMs - atMs });
  };
  for (let number = 0; ; number++) {
    const atMs = (number * 1_000) / perSecond;
    if (atMs >= seconds * 1_000) break;
    const earlyMs = startMs + atMs - performance.now();
    if (earlyMs > 0) await pause(earlyMs);
    const round = begin(atMs).finally(() => underWay.delete(round));
    underWay.add(round);
  }
  await Promise.all(underWay);
  return taken;
}

interface Created {
  readonly createPayment: { readonly payment?: { readonly id: string; readonly status: string } };
}

interface Refunded {
  readonly refundPayment: { readonly refund?: { readonly id: string } };
}

const CARD = { number: '4242424242424242', expMonth: 12, expYear: new Date().getUTCFullYear() + 5, cvc: '123' };

const CREATE = `mutation ($input: CreatePaymentInput!) {
  createPayment(input: $input) { ... on CreatePaymentPayload { payment { id status } } ... on Error { message } }
}`;
const READ = `query ($id: ID!) {
  payment(id: $id) { id status refundStatus amount { decimal currency } attempts { id status } refunds { id } }
}`;
const REFUND = `mutation ($input: RefundPaymentInput!) {
  refundPayment(input: $input) { ... on RefundPaymentPayload { refund { id } } ... on Error { message } }
}`;
