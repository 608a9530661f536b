import { Stripe } from 'stripe';
import { objectOf } from './objects.ts';

export const WEBHOOK_SECRET = 'whsec_stand_in';

/** A notification as it goes over HTTP. */
export interface Letter {
  readonly type: string;
  readonly body: string;
  readonly signature: string;
}

const stripe = new Stripe('sk_test_signs_only');

/** What the stand-in has to tell. It sends nothing by itself: tests send it in any order, twice, late, or never. */
export class Mailbox {
  readonly #events: Stripe.Event[] = [];

  add(type: string, object: object): void {
    this.#events.push(objectOf('event', { type, data: { object } } as Partial<Stripe.Event>));
  }

  /** All that has happened so far, signed. */
  letters({ secret = WEBHOOK_SECRET, at = new Date() }: { secret?: string; at?: Date } = {}): Letter[] {
    return this.#events.map((event) => {
      const body = JSON.stringify(event, undefined, 2);
      return { type: event.type, body, signature: sign(body, secret, at) };
    });
  }

  /** Sends them to the address that the gateway gave Stripe, one after the other. @returns how each was answered */
  async send(url: string, letters: readonly Letter[]): Promise<number[]> {
    const statuses: number[] = [];
    for (const { body, signature } of letters) {
      const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
      statuses.push((await fetch(url, { method: 'POST', body, headers })).status);
    }
    return statuses;
  }
}

export function sign(payload: string, secret: string, at: Date): string {
  return stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: Math.floor(at.getTime() / 1_000) });
}
