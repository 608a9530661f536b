import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Books } from './books.ts';
import { Faults, isDone, type FaultKind } from './faults.ts';
import { Mailbox } from './mailbox.ts';
import { Refusal } from './refusal.ts';
import { ROUTES, type Route } from './routes.ts';
import { readParams } from './validation.ts';

export const SECRET_KEY = 'sk_test_stand_in';
export const STRIPE_VERSION = '2026-10-28.endive';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What was done under an idempotency key. */
interface Remembered {
  readonly request: string;
  answer: Answer;
}

/** A request as it came in. */
interface Asked {
  readonly route: Route['name'];
  readonly key: string | undefined;
  readonly body: string;
}

/**
 * Stripe, on loopback: it takes what Stripe's own description of its API allows, keeps books, honours idempotency keys,
 * tells of what has changed, and breaks where it is told to.
 */
export class StripeStandIn {
  readonly books: Books;
  readonly faults = new Faults();
  readonly mailbox = new Mailbox();
  readonly asked: Asked[] = [];
  readonly #keys = new Map<string, Remembered>();
  /** Keys of requests that are under way. */
  readonly #inUse = new Set<string>();
  readonly #stalled: (() => void)[] = [];
  /** How many requests got no answer, or none in time. */
  held = 0;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor() {
    this.books = new Books(
      () => this.url,
      (type, object) => this.mailbox.add(type, object),
    );
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Lets the requests that were held go on: they arrive late. */
  release(): void {
    for (const go of this.#stalled.splice(0)) go();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(request.url ?? '', this.url);
    const challenge = /^\/3ds\/(\w+)(?:\/(complete|fail))?$/.exec(pathname);
    if (challenge !== null) {
      this.#challenge(challenge[1] ?? '', challenge[2], response);
      return;
    }
    const found = ROUTES.find(({ pattern }) => pattern.test(`${request.method} ${pathname}`));
    if (found === undefined) {
      send(response, answerOf(new Refusal(404, { type: 'invalid_request_error', code: 'url_invalid' })));
      return;
    }
    const id = found.pattern.exec(`${request.method} ${pathname}`)?.[1] ?? '';
    const params = request.method === 'POST' ? await text(request) : search.slice(1);
    const key = request.headers['idempotency-key'] as string | undefined;
    this.asked.push({ route: found.name, key, body: params });
    if (key !== undefined && this.#inUse.has(key)) {
      const code = 'idempotency_key_in_use';
      send(response, answerOf(new Refusal(409, { type: 'invalid_request_error', code })));
      return;
    }
    if (key !== undefined) this.#inUse.add(key);
    const fault = this.faults.take(found.name);
    await this.#break(fault, response, () => this.#answer(request, found, id, params, key));
    if (key === undefined) return;
    this.#inUse.delete(key);
    // An error of Stripe's own is what its key answers from then on, whatever was done.
    const known = this.#keys.get(key);
    if (known !== undefined && fault === 'error_500_after') known.answer = SERVER_ERROR;
  }

  /** Answers, as the fault lets it. */
  async #break(fault: FaultKind | undefined, response: ServerResponse, answer: () => Answer): Promise<void> {
    if (fault === 'stalled') {
      this.held += 1;
      await new Promise<void>((resolve) => this.#stalled.push(resolve));
    }
    const done = fault === undefined || fault === 'stalled' || isDone(fault) ? answer() : undefined;
    switch (fault) {
      case 'unanswered':
        this.held += 1;
        return;
      case 'reset_before':
      case 'reset_after':
        response.socket?.resetAndDestroy();
        return;
      case 'cut_body':
        response.writeHead(200, { 'content-length': 10_000 }).write(done?.body.slice(0, 40));
        response.socket?.end();
        return;
      case 'html_502_before':
      case 'html_502_after':
        response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>');
        return;
      case 'error_500_before':
      case 'error_500_after':
        send(response, SERVER_ERROR);
        return;
      case 'lock_timeout':
        send(response, answerOf(new Refusal(409, { type: 'invalid_request_error', code: 'lock_timeout' })));
        return;
      case 'rate_limited':
        send(response, answerOf(new Refusal(429, { type: 'invalid_request_error', code: 'rate_limit' })));
        return;
      default:
        if (done !== undefined) send(response, done);
    }
  }

  #answer(request: IncomingMessage, found: Route, id: string, params: string, key: string | undefined): Answer {
    try {
      checkHeaders(request);
      const values = readParams(found.operation, params);
      const run = (): Answer => ({ status: 200, body: JSON.stringify(found.answer(this.books, values, id)) });
      if (request.method !== 'POST') return run();
      if (key === undefined) throw new Refusal(400, { type: 'invalid_request_error', code: 'idempotency_key_missing' });
      return this.#once(key, createHash('sha256').update(`${request.url}\0${params}`).digest('hex'), run);
    } catch (error) {
      return answerOf(error);
    }
  }

  /** What was done under a key is not done again: it is answered again, an error too. */
  #once(key: string, request: string, run: () => Answer): Answer {
    const known = this.#keys.get(key);
    if (known !== undefined) {
      if (known.request !== request) throw new Refusal(400, { type: 'idempotency_error' });
      return known.answer;
    }
    const answer = answerOrRefusal(run);
    this.#keys.set(key, { request, answer });
    return answer;
  }

  /** The page to which a payer is sent for 3-D Secure, and what they may do there. */
  #challenge(id: string, action: string | undefined, response: ServerResponse): void {
    if (action === undefined) {
      const page = `<form method="post"><button formaction="/3ds/${id}/complete">Complete</button></form>`;
      response.writeHead(200, { 'content-type': 'text/html' }).end(page);
      return;
    }
    this.books.completeAction(id, action === 'complete');
    response.writeHead(303, { location: this.books.returnUrls.get(id) ?? '/' }).end();
  }
}

const SERVER_ERROR: Answer = answerOf(new Refusal(500, { type: 'api_error' }));

/** The version is pinned, and the key is the account's. */
function checkHeaders({ headers }: IncomingMessage): void {
  if (headers.authorization !== `Bearer ${SECRET_KEY}`) throw new Refusal(401, { type: 'invalid_request_error' });
  if (headers['stripe-version'] !== STRIPE_VERSION) {
    throw new Refusal(400, { type: 'invalid_request_error', code: 'version_not_pinned' });
  }
}

function answerOrRefusal(run: () => Answer): Answer {
  try {
    return run();
  } catch (error) {
    return answerOf(error);
  }
}

function answerOf(error: unknown): Answer {
  if (!(error instanceof Refusal)) throw error;
  return { status: error.status, body: JSON.stringify({ error: error.body }) };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_stand_in' }).end(body);
}
