import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool } from 'pg';
import { Webhook } from 'standardwebhooks';
import {
  CreateWebhookEndpointDocument,
  type CreateWebhookEndpointMutation,
  type PaymentEventType,
} from '../../generated/operations/graphql.ts';
import { rowId } from './memory.ts';
import type { Random } from './random.ts';

/** A webhook as it arrived once. */
export interface Message {
  /** The header webhook-id. */
  readonly id: string;
  /** Whether the official library takes its signature. */
  readonly isSigned: boolean;
  /** Whether it was answered well. */
  readonly isTaken: boolean;
  readonly type: string;
  /** Ids are those of the rows. */
  readonly eventId: string;
  readonly paymentId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What the inbox is told of. */
export const TOLD: readonly PaymentEventType[] = [
  'PAYMENT_SUCCEEDED',
  'PAYMENT_FAILED',
  'PAYMENT_CANCELED',
  'PAYMENT_SETTLED',
  'CAPTURE_SUCCEEDED',
  'REFUND_SUCCEEDED',
  'REFUND_FAILED',
];

/** How it answers, in per cent. */
const ANSWERS = { well: 72, 'out of order': 10, 'come later': 4, never: 3, cut: 7, half: 4 } as const;
/** So often a message is treated badly: ten attempts have to be enough, of which some end with their gateways. */
const BAD_MAX = 3;
/** A wait that is longer than a lease is one for the next attempt. Of a gateway that was killed, the lease has to end. */
const LONG_WAIT = "now() + interval '61 seconds'";

/** A merchant's endpoint for webhooks, which answers well, badly or not at all. */
export class Inbox {
  readonly messages: Message[] = [];
  readonly #random: Random;
  readonly #bad = new Map<string, number>();
  readonly #server = createServer((request, response) => {
    // Whoever sent it was killed meanwhile.
    this.#take(request, response).catch(() => response.destroy());
  });
  #webhook: Webhook | undefined;
  #isCalm = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Has a gateway tell it of what happens from now on. */
  async open(gateway: { readonly url: string }, apiKey: string): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    const { port } = this.#server.address() as AddressInfo;
    const input = { url: `http://127.0.0.1:${port}/`, eventTypes: TOLD };
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: CreateWebhookEndpointDocument.toString(), variables: { input } }),
    });
    const { data } = (await response.json()) as { data: CreateWebhookEndpointMutation };
    const created = data.createWebhookEndpoint;
    if (created.__typename !== 'CreateWebhookEndpointPayload') throw new Error('there is no endpoint for webhooks');
    this.#webhook = new Webhook(created.secret);
  }

  /** From here on it answers well. */
  calm(): void {
    this.#isCalm = true;
  }

  /** Lets time pass for what waits for its next attempt, as far as the database is there. */
  async hasten(pool: Pool): Promise<void> {
    await pool
      .query(`UPDATE webhook_delivery SET next_attempt_at = now() WHERE next_attempt_at > ${LONG_WAIT}`)
      .catch(() => {});
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat((await request.toArray()) as Buffer[]).toString();
    const id = String(request.headers['webhook-id']);
    const answer = this.#answerTo(id);
    const isTaken = answer === 'well' || answer === 'half';
    const { type, data } = JSON.parse(body) as Pick<Message, 'type' | 'data'>;
    const [eventId, paymentId] = [rowId(String(data['eventId'])), rowId(String(data['paymentId']))];
    const isSigned = this.#isSigned(body, request);
    this.messages.push({ id, isSigned, isTaken, type, eventId, paymentId, data });
    switch (answer) {
      case 'well':
        response.writeHead(204).end();
        return;
      case 'half':
        response.writeHead(200).write('half of an ans');
        return;
      case 'out of order':
        response.writeHead(500).end('out of order');
        return;
      case 'come later':
        response.writeHead(503, { 'retry-after': '7200' }).end();
        return;
      case 'cut':
        request.socket.destroy();
        return;
      case 'never':
    }
  }

  #answerTo(id: string): keyof typeof ANSWERS {
    const bad = this.#bad.get(id) ?? 0;
    if (this.#isCalm || bad >= BAD_MAX) return 'well';
    const answer = this.#random.weighted(ANSWERS);
    if (answer !== 'well') this.#bad.set(id, bad + 1);
    return answer;
  }

  #isSigned(body: string, { headers }: IncomingMessage): boolean {
    try {
      this.#webhook?.verify(body, headers as Record<string, string>);
      return this.#webhook !== undefined;
    } catch {
      return false;
    }
  }
}
