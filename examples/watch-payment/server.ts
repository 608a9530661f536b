/**
 * A shop: it serves a page, and makes with its secret key what the page needs, a payment and tokens for it. The key stays
 * here.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  OrderPaymentDocument,
  PaymentTokenDocument,
  type OrderPaymentMutation,
  type TypedDocumentString,
} from '../../generated/examples/graphql.ts';

/** What the page is told. */
export interface Session {
  readonly endpoint: string;
  readonly token: string;
  readonly paymentId: string;
  /** Where the payment can be paid. */
  readonly paymentUrl: string | null;
}

type Payment = Extract<OrderPaymentMutation['createPayment'], { payment: unknown }>['payment'];

const { TENDER_URL = 'http://127.0.0.1:4000', TENDER_KEY, PORT = '4080' } = process.env;
const ENDPOINT = new URL('/graphql', TENDER_URL);

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ${ENDPOINT.origin}`,
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Everything that the page consists of, by its path here and in the browser. */
const FILES = new Map([
  ['/', read('index.html', 'text/html')],
  ['/style.css', read('style.css', 'text/css')],
  ['/watch.ts', readModule('watch.ts')],
  ['/event-stream.ts', readModule('event-stream.ts')],
  ['/generated/examples/graphql.ts', readModule('../../generated/examples/graphql.ts')],
]);

function read(path: string, type: string) {
  return { type: `${type}; charset=utf-8`, text: readFileSync(join(import.meta.dirname, path), 'utf8') };
}

/** A module as browsers take it. A shop of your own has a bundler. */
function readModule(path: string) {
  const { type, text } = read(path, 'text/javascript');
  return { type, text: stripTypeScriptTypes(text) };
}

/** Sends an operation to the gateway, with the secret key. */
async function ask<R, V>(document: TypedDocumentString<R, V>, variables: V): Promise<R> {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: { authorization: `Bearer ${TENDER_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: String(document), variables }),
  });
  const { data, errors } = (await response.json()) as { data?: R | null; errors?: readonly { message: string }[] };
  if (data == null || errors !== undefined) throw new Error(errors?.[0]?.message ?? `HTTP ${response.status}`);
  return data;
}

async function orderPayment(returnUrl: string): Promise<Payment> {
  const input = { idempotencyKey: randomUUID(), amount: 4999, currency: 'EUR', returnUrl };
  const { createPayment } = await ask(OrderPaymentDocument, { input });
  if (!('payment' in createPayment)) throw new Error(createPayment.message);
  return createPayment.payment;
}

/** A token that reads this payment, and nothing else. A real shop looks first at who is asking, by its own session. */
async function newSession({ id, hostedPaymentUrl }: Payment): Promise<Session> {
  const { createClientToken } = await ask(PaymentTokenDocument, { input: { paymentId: id, scopes: ['READ'] } });
  if (!('token' in createClientToken)) throw new Error(createClientToken.message);
  return { endpoint: ENDPOINT.href, token: createClientToken.token, paymentId: id, paymentUrl: hostedPaymentUrl };
}

async function answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = url.split('?')[0] ?? '';
  const file = FILES.get(path);
  if (method === 'POST' && path === '/session') {
    const session = JSON.stringify(await newSession(await payment));
    response.writeHead(200, { ...HEADERS, 'content-type': 'application/json' }).end(session);
  } else if (method === 'GET' && file !== undefined) {
    response.writeHead(200, { ...HEADERS, 'content-type': file.type }).end(file.text);
  } else {
    response.writeHead(404, HEADERS).end();
  }
}

if (TENDER_KEY === undefined) {
  console.error('TENDER_KEY: the secret key, which the console of the gateway shows.');
  process.exit(1);
}
const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    // The gateway may be away: the page asks again.
    console.error(error instanceof Error ? error.message : error);
    response.writeHead(502, HEADERS).end();
  });
});
server.listen(Number(PORT), '127.0.0.1');
await once(server, 'listening');
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const payment = orderPayment(address);
console.log(`${(await payment).id} is watched at ${address}`);
