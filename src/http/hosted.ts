import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { declineForPayer, parseDeclineCode } from '../domain/decline.ts';
import { unreachable } from '../domain/result.ts';
import type { Failure } from '../payments/failure.ts';
import type { Caller, Gateway } from '../payments/gateway.ts';
import { HOSTED_PAGE, openPage, PAGE_PATHS, returnUrlOf } from '../payments/page-link.ts';
import { processPayment } from '../payments/process.ts';
import { readHostedPayment, type HostedPayment } from '../store/hosted-payment.ts';
import type { NetworkOf } from './address.ts';
import { BrokenOff } from './body.ts';
import { nameToShow, readCard } from './card-form.ts';
import { actionPage, endPage, formPage, waitingPage, type FormNotice } from './hosted-page.ts';
import { readForm, redirect, sendPage } from './page.ts';
import { RateLimit } from './rate-limit.ts';
import { REFUSAL_STATUS, refusalPage, type Refusal } from './refusal-page.ts';
import { standingOf, type Standing } from './standing.ts';

/** Ten times what the page's form sends. */
const BODY_MAX_BYTES = 4_096;

/** What one address may send to one page: it keeps numbers from being tried out that no charge is made with. */
const PER_PAGE = { count: 30, windowMs: 600_000, burst: 30 };

/** What one address may send to all pages. It is one a second, because it may be a proxy's. */
const PER_ADDRESS = { count: 600, windowMs: 600_000, burst: 600 };

/** Of more addresses than this, those seen longest ago are forgotten. */
const ADDRESSES_MAX = 10_000;

const NONCE_BYTES = 18;
const NONCE = /^[\w-]{24}$/;

/** One request for the page of one payment. */
interface Visit {
  readonly gateway: Gateway;
  readonly shown: HostedPayment;
  /** Of the page: "/pay/…". */
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly networkOf: NetworkOf;
}

/**
 * Serves the pages on which payers pay by themselves. Who has a page's address may pay that payment and nothing else:
 * what is paid, and how much, is never taken from the browser, and the card's data go nowhere but to the processor.
 * @returns what answers a request, and tells whether it was one for it
 */
export function hosted(
  gateway: Gateway,
  networkOf: NetworkOf,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  const limits = { page: new RateLimit(PER_PAGE, ADDRESSES_MAX), address: new RateLimit(PER_ADDRESS, ADDRESSES_MAX) };
  const serve = async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '' } = request;
    if (!['GET', 'HEAD', 'POST'].includes(method)) {
      response.writeHead(405, { allow: 'GET, HEAD, POST' }).end();
      return;
    }
    const key = openPage(gateway, 'pay', path.slice(PAGE_PATHS.pay.length));
    const shown = key && (await readHostedPayment(gateway.database, key));
    if (shown === undefined) return refuse(response, 'unknown');
    const visit = { gateway, shown, path, request, response, networkOf };
    return method === 'POST' ? pay(visit, limits) : show(visit);
  };
  return async (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    if (!path.startsWith(PAGE_PATHS.pay)) return false;
    try {
      await serve(path, request, response);
    } catch (error) {
      if (error instanceof BrokenOff) throw error;
      // Its name alone: nothing that a payer sent may reach a log.
      const name = error instanceof Error ? error.name : typeof error;
      gateway.report('a payment page ended with an error', { name });
      if (!response.headersSent) refuse(response, 'broken', path);
    }
    return true;
  };
}

/** What the payment's state asks for: the form, a page that says how it stands, or the way on to the shop. */
function show({ gateway, shown, path, response }: Visit): void {
  const { payment } = shown;
  const standing = standingOf(shown, gateway.now());
  switch (standing) {
    case 'payable': {
      const { declineCode } = payment;
      const text = declineCode === null ? undefined : declineForPayer(parseDeclineCode(declineCode)).message;
      const notice = text === undefined ? undefined : { text, fields: {}, name: '' };
      return sendPage(response, 200, formPage(shown, { action: path, nonce: newNonce(), notice }));
    }
    case 'waiting':
      return sendPage(response, 200, waitingPage(shown));
    case 'action':
      return sendPage(
        response,
        200,
        payment.actionUrl === null ? waitingPage(shown) : actionPage(shown, payment.actionUrl),
      );
    case 'paid':
      if (payment.returnUrl !== null) return redirect(response, returnUrlOf(payment.returnUrl, payment.id));
      return sendPage(response, 200, endPage(shown, standing));
    case 'canceled':
    case 'expired':
    case 'exhausted':
      return sendPage(response, 200, endPage(shown, standing));
    default:
      return unreachable(standing);
  }
}

/** Takes the form that a payer sent: it charges the card, or says what is wrong with it. */
async function pay(visit: Visit, limits: Readonly<Record<'page' | 'address', RateLimit>>): Promise<void> {
  const { gateway, shown, path, request, response } = visit;
  const { headers } = request;
  if (!['same-origin', 'none', undefined].includes(headers['sec-fetch-site'])) return refuse(response, 'foreign');
  if (!/^application\/x-www-form-urlencoded(;|$)/i.test(headers['content-type'] ?? '')) {
    return refuse(response, 'not_a_form', path);
  }
  const now = gateway.now();
  const from = visit.networkOf(request);
  const waitMs =
    limits.page.take(`${from} ${path}`, now.getTime()).waitMs || limits.address.take(from, now.getTime()).waitMs;
  if (waitMs > 0) {
    response.setHeader('retry-after', Math.ceil(waitMs / 1_000));
    return refuse(response, 'too_often', path);
  }
  const form = await readForm(request, BODY_MAX_BYTES);
  if (form === undefined) return refuse(response, 'too_large', path);
  // A card that nothing can be paid with any more is not given to the processor either.
  if (isOver(standingOf(shown, now))) return redirect(response, path);
  const nonce = form.get('nonce') ?? '';
  if (!NONCE.test(nonce)) return refuse(response, 'incomplete', path);
  const { card, problems } = readCard(form, now);
  const name = nameToShow(card);
  if (Object.keys(problems).length > 0) {
    return showAgain(visit, 422, { text: 'Check what is marked.', fields: problems, name });
  }
  const { id: paymentId } = shown.payment;
  const result = await processPayment(gateway, callerOf(shown), {
    idempotencyKey: nonce,
    paymentId,
    paymentMethodId: null,
    card,
    metadata: {},
  });
  if (!result.ok) return explain(visit, result.failure, name);
  const { status, actionUrl } = result.value.payment;
  // A GET follows whatever came of it, so that neither reloading nor going back sends the form again.
  redirect(response, status === 'REQUIRES_ACTION' && actionUrl !== null ? actionUrl : path);
}

/** Nothing was charged: the form once more, in words for the payer. */
function explain(visit: Visit, failure: Failure, name: string): Promise<void> | void {
  switch (failure.code) {
    case 'IDEMPOTENCY_KEY_REUSED': {
      const text = 'This form was sent before, with another card. If you have not paid yet, give the card once more.';
      return showAgain(visit, 409, { text, fields: {}, name });
    }
    case 'CARD_REFUSED': {
      const fields = { number: 'This card is not accepted. Check its number, or try another card.' };
      return showAgain(visit, 422, { text: 'The card was not accepted.', fields, name });
    }
    case 'TOO_MANY_ATTEMPTS': {
      const text = `Too many attempts to pay have failed. Try another card, or ask ${visit.shown.merchant}.`;
      return showAgain(visit, 422, { text, fields: {}, name });
    }
    case 'PROCESSOR_UNAVAILABLE': {
      const text = 'Payments cannot be taken at the moment. Nothing was charged. Try again in a few minutes.';
      return showAgain(visit, 503, { text, fields: {}, name });
    }
    case 'ALREADY_PAID': {
      const text = 'This has been paid already, with another payment. Nothing was charged now.';
      return showAgain(visit, 409, { text, fields: {}, name });
    }
    case 'INVALID_INPUT':
      return showAgain(visit, 422, { text: 'The payment could not be made.', fields: {}, name });
    // The first click is still under way, or the payment is not what it was when the form was shown.
    case 'IDEMPOTENCY_IN_PROGRESS':
    case 'ILLEGAL_STATE':
      return redirect(visit.response, visit.path);
    case 'NOT_FOUND':
    case 'FORBIDDEN':
    case 'AMOUNT_TOO_LARGE':
    case 'PAYMENTS_UNDER_WAY':
      throw new Error(`the payment of a page was answered with ${failure.code}`);
    default:
      return unreachable(failure);
  }
}

/** The form with a notice, if the payment can still be paid: what it is now says more than what was wrong. */
async function showAgain(visit: Visit, status: number, notice: FormNotice): Promise<void> {
  const { gateway, path, response } = visit;
  const shown = await readHostedPayment(gateway.database, visit.shown.payment);
  if (shown === undefined || standingOf(shown, gateway.now()) !== 'payable') return redirect(response, path);
  sendPage(response, status, formPage(shown, { action: path, nonce: newNonce(), notice }));
}

function refuse(response: ServerResponse, refusal: Refusal, path?: string): void {
  // Nobody waits for a body that is not read.
  response.setHeader('connection', 'close');
  sendPage(response, REFUSAL_STATUS[refusal], refusalPage(refusal, path));
}

/** Whether nobody can pay any more. While a charge is under way, the form that began it may come once more. */
function isOver(standing: Standing): boolean {
  return !['payable', 'waiting', 'action'].includes(standing);
}

/** Drawn for each form that is shown, and its idempotency key: a form that is sent twice is charged once. */
function newNonce(): string {
  return randomBytes(NONCE_BYTES).toString('base64url');
}

function callerOf({ payment: { environmentId, id }, mode }: HostedPayment): Caller {
  const payer = { customerId: null, paymentId: id };
  return { environmentId, mode, principal: `page:${id}`, actor: HOSTED_PAGE, payer, schedules: false };
}
