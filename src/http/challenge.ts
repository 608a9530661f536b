import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SandboxBooks } from '../processors/sandbox/books.ts';
import { badRequestPage, challengePage, unknownChargePage, wayBack } from './challenge-page.ts';
import { readForm, redirect, sendPage } from './page.ts';

/** Where the payers of the sandbox's charges go for 3-D Secure; the charge's id follows. */
export const CHALLENGE_PATH = '/sandbox/challenge/';

/** What the page's form sends is some 15 bytes. */
const BODY_MAX_BYTES = 1_024;

const CHARGE_ID = /^ch_[0-9a-f]{24}$/;

/**
 * Serves the sandbox's 3-D Secure: a page with two buttons. Who has the address is the payer: it holds an id of 96
 * random bits, and is in no list.
 * @returns what answers a request, and tells whether it was one for it
 */
export function challenge(
  books: Pick<SandboxBooks, 'readChargeById' | 'completeAction'>,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  return async (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    if (!path.startsWith(CHALLENGE_PATH)) return false;
    const id = path.slice(CHALLENGE_PATH.length);
    const charge = CHARGE_ID.test(id) ? await books.readChargeById(id) : undefined;
    if (charge === undefined) {
      sendPage(response, 404, unknownChargePage());
    } else if (request.method === 'GET' || request.method === 'HEAD') {
      sendPage(response, 200, challengePage(charge));
    } else if (request.method === 'POST') {
      await complete(books, id, request, response);
    } else {
      response.writeHead(405, { allow: 'GET, HEAD, POST' }).end();
    }
    return true;
  };
}

async function complete(
  books: Pick<SandboxBooks, 'completeAction'>,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const form = await readForm(request, BODY_MAX_BYTES);
  const result = form?.get('result');
  if (result !== 'complete' && result !== 'fail') {
    // Nobody waits for the rest of a body that is too long.
    if (form === undefined) response.setHeader('connection', 'close');
    sendPage(response, form === undefined ? 413 : 400, badRequestPage());
    return;
  }
  const charge = await books.completeAction(id, result === 'complete');
  if (charge === undefined) throw new Error('a charge that was just read is gone');
  const back = wayBack(charge);
  if (back === undefined) {
    sendPage(response, 200, challengePage(charge));
  } else {
    redirect(response, back.href);
  }
}
