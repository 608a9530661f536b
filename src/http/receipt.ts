import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway } from '../payments/gateway.ts';
import { openPage, PAGE_PATHS } from '../payments/page-link.ts';
import { readReceipt } from '../store/receipt.ts';
import { sendPage } from './page.ts';
import { receiptPage, unknownReceiptPage } from './receipt-page.ts';

/**
 * Serves the receipts of payments, for whoever has the address. An address that was made up, or that is another page's,
 * and one of a payment of which nothing was captured, are answered alike.
 * @returns what answers a request, and tells whether it was one for it
 */
export function receipt(
  gateway: Pick<Gateway, 'database' | 'keyring'>,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  return async (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    if (!path.startsWith(PAGE_PATHS.receipt)) return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return true;
    }
    const key = openPage(gateway, 'receipt', path.slice(PAGE_PATHS.receipt.length));
    const found = key && (await readReceipt(gateway.database, key));
    if (found === undefined) sendPage(response, 404, unknownReceiptPage());
    else sendPage(response, 200, receiptPage(found));
    return true;
  };
}
