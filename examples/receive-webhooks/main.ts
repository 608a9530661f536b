/**
 * Receives webhooks. A message whose signature and time are right is put into a folder, under its id, and answered at once;
 * it is dealt with afterwards, as a line. What comes a second time is there already, and whatever ends this program, the
 * next start goes on with what is left.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { ReceivedPaymentDocument, type ReceivedPaymentQuery } from '../../generated/examples/graphql.ts';

/** What a message says: what happened, and to which payment. One that only tests the way is about none. */
interface Message {
  readonly type: string;
  readonly data: { readonly eventId?: string; readonly sequence?: number; readonly paymentId?: string };
}

const { TENDER_URL = 'http://127.0.0.1:4000', TENDER_KEY, TENDER_WEBHOOK_SECRET, PORT = '4090' } = process.env;
const { INBOX = 'received-webhooks' } = process.env;

const BYTES_MAX = 64 * 1024;
/** A gateway that cannot be asked is asked again after this. */
const RETRY_MS = 1_000;

/** The body as it came: parsed and written again, it would not be what was signed. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BYTES_MAX) throw new WebhookVerificationError('The body is too long.');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** Takes a message in. @throws if it is not the gateway's, or is more than five minutes old */
async function accept(request: IncomingMessage): Promise<void> {
  const body = await bodyOf(request);
  webhook.verify(body, request.headers as Record<string, string>);
  const id = String(request.headers['webhook-id']);
  if (!/^[\w-]{1,64}$/.test(id)) throw new WebhookVerificationError('This is no id.');
  await keep(id, body);
}

/** Whole or not at all, and once: under this name nothing else is ever linked. */
async function keep(id: string, body: string): Promise<void> {
  const written = join(INBOX, `${randomUUID()}.new`);
  await writeFile(written, body, { flush: true });
  try {
    await link(written, join(INBOX, `${id}.json`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(written);
  }
}

/** The ids of the messages that are not dealt with. */
async function waiting(): Promise<string[]> {
  const files = new Set(await readdir(INBOX));
  const ids = Array.from(files, (file) => /^(.+)\.json$/.exec(file)?.[1] ?? '');
  return ids.filter((id) => id !== '' && !files.has(`${id}.done`));
}

/** What is to be done with a message. It may be old news: the payment is asked for as it stands. */
async function dealWith(id: string, { type, data }: Message): Promise<void> {
  const payment = data.paymentId === undefined ? null : await readPayment(data.paymentId);
  const line = JSON.stringify({ id, type, eventId: data.eventId, sequence: data.sequence, payment });
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => (error == null ? resolve() : reject(error)));
  });
}

async function readPayment(id: string): Promise<ReceivedPaymentQuery['payment']> {
  const response = await fetch(new URL('/graphql', TENDER_URL), {
    method: 'POST',
    headers: { authorization: `Bearer ${TENDER_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: String(ReceivedPaymentDocument), variables: { id } }),
  });
  const { data, errors } = (await response.json()) as {
    data?: ReceivedPaymentQuery | null;
    errors?: readonly { message: string }[];
  };
  if (data == null || errors !== undefined) throw new Error(errors?.[0]?.message ?? `HTTP ${response.status}`);
  return data.payment;
}

let wake = Promise.withResolvers<void>();

/** Deals with one message after the other, for ever. */
async function work(): Promise<never> {
  for (;;) {
    const woken = wake.promise;
    try {
      for (const id of await waiting()) {
        await dealWith(id, JSON.parse(await readFile(join(INBOX, `${id}.json`), 'utf8')) as Message);
        await writeFile(join(INBOX, `${id}.done`), '', { flush: true });
      }
      await woken;
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function wakeUp(): void {
  const { resolve } = wake;
  wake = Promise.withResolvers();
  resolve();
}

if (TENDER_KEY === undefined || TENDER_WEBHOOK_SECRET === undefined) {
  console.error('TENDER_KEY: the secret key. TENDER_WEBHOOK_SECRET: what createWebhookEndpoint answers (whsec_…).');
  process.exit(1);
}
const webhook = new Webhook(TENDER_WEBHOOK_SECRET);
await mkdir(INBOX, { recursive: true });
const server = createServer((request, response) => {
  accept(request).then(
    () => {
      response.writeHead(204).end();
      wakeUp();
    },
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      // What is not the gateway's is refused. What could not be kept comes again.
      const status = error instanceof WebhookVerificationError ? 400 : 500;
      response.writeHead(status, { connection: 'close' }).end();
    },
  );
});
server.listen(Number(PORT), '127.0.0.1');
await once(server, 'listening');
console.error(`Webhooks are received at http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
await work();
