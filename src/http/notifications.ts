import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeIdOf } from '../domain/ids.ts';
import { unreachable } from '../domain/result.ts';
import type { Gateway } from '../payments/gateway.ts';
import { NOTIFICATIONS_PATH } from '../payments/page-link.ts';
import { takeNotification, type Taken } from '../payments/take-notification.ts';
import { readBody } from './body.ts';

/** Stripe's largest events have some 20 KB. */
const BODY_MAX_BYTES = 256 * 1_024;

/** Why a notification was not taken. */
export type Refusal = Exclude<Taken, 'kept'> | 'too_large' | 'broken_off';

/**
 * Takes the notifications of processors, each at the address of its account. A notification is answered as soon as it is
 * verified and kept.
 * @returns what answers a request, and tells whether it was one for it
 */
export function notifications(
  gateway: Gateway,
  onRefused: (reason: Refusal) => void,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  return async (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    if (!path.startsWith(NOTIFICATIONS_PATH)) return false;
    if (request.method !== 'POST') {
      response.writeHead(405, { allow: 'POST' }).end();
      return true;
    }
    const taken = await take(gateway, path.slice(NOTIFICATIONS_PATH.length), request);
    if (taken !== 'kept') onRefused(taken);
    // Nobody waits for the rest of a body that is too long.
    if (taken === 'too_large') response.setHeader('connection', 'close');
    const { status, text } = answerTo(taken);
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
    return true;
  };
}

async function take(gateway: Gateway, place: string, request: IncomingMessage): Promise<'kept' | Refusal> {
  const [environment = '', account = '', ...more] = place.split('/');
  const environmentId = decodeIdOf('Environment', environment);
  const accountId = decodeIdOf('ProcessorAccount', account);
  if (environmentId === undefined || accountId === undefined || more.length > 0) return 'unknown_account';
  let body: Buffer | undefined;
  try {
    body = await readBody(request, BODY_MAX_BYTES);
  } catch {
    return 'broken_off';
  }
  if (body === undefined) return 'too_large';
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return takeNotification(gateway, { environmentId, accountId, body, header });
}

function answerTo(taken: 'kept' | Refusal): { readonly status: number; readonly text: string } {
  switch (taken) {
    case 'kept':
      return { status: 200, text: 'Taken.' };
    case 'unknown_account':
      return { status: 404, text: 'There is no such processor account.' };
    case 'too_large':
      return { status: 413, text: `A notification has at most ${BODY_MAX_BYTES} bytes.` };
    case 'bad_signature':
      return { status: 400, text: 'The signature is not of a secret of this account.' };
    case 'too_old':
      return { status: 400, text: 'The signature is too old.' };
    case 'broken_off':
      return { status: 400, text: 'The body ends too soon.' };
    case 'unreadable':
      return { status: 400, text: 'The body cannot be read.' };
    case 'sealed':
      return { status: 503, text: 'The secrets of this account cannot be opened now.' };
    default:
      return unreachable(taken);
  }
}
