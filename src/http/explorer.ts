import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { encodeId } from '../domain/ids.ts';
import type { Database } from '../store/database.ts';
import { explorerSamples, type Sample } from './explorer-samples.ts';
import { GRAPHQL_PATH } from './graphql.ts';

/** The demo account, whose key the explorer carries on the embedded default. */
export interface Demo {
  readonly key: string;
  readonly environmentId: string;
}

const compress = promisify(gzip);
const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);
const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/**
 * Whether a request asks for the explorer's page: a browser that opens the endpoint. GraphiQL writes what is typed
 * into its address, so a page that is loaded again has a query there.
 */
export function asksForExplorer(request: IncomingMessage): boolean {
  return (
    request.method === 'GET' &&
    request.url?.split('?')[0] === GRAPHQL_PATH &&
    (request.headers.accept ?? '').includes('text/html')
  );
}

/**
 * Sends GraphiQL. The page comes from the project whole: its policy lets it ask this server and no other. The demo
 * key is in it only where nobody but this machine's user can have asked: the server, the peer and the name in
 * the Host header are all local.
 */
export async function sendExplorer(
  request: IncomingMessage,
  response: ServerResponse,
  { database, demo, boundToLoopback }: { database: Database; demo: Demo | undefined; boundToLoopback: boolean },
): Promise<void> {
  const shown = demo !== undefined && boundToLoopback && isLocal(request) ? demo : undefined;
  const paymentId = shown && (await refundablePayment(database, shown.environmentId));
  const samples = explorerSamples(paymentId, () => randomBytes(8).toString('hex'), new Date().getUTCFullYear() + 8);
  const options = {
    title: 'Tender',
    endpoint: GRAPHQL_PATH,
    headers: JSON.stringify({ authorization: `Bearer ${shown?.key ?? '<your key>'}` }, null, 2),
    // The browser would keep the key longer than the data directory that it belongs to.
    shouldPersistHeaders: false,
    defaultTabs: samples.map(({ query, variables = '' }) => ({ query, variables })),
    schemaDescription: true,
  };
  const nonce = randomBytes(16).toString('base64');
  const script = `<script nonce="${nonce}">${fillEditors(samples[0])}`;
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const page = renderGraphiQL(options).replace('<script>', () => script);
  const body = await compress(page, { level: 1 });
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-encoding': 'gzip',
    'cache-control': 'no-store',
    'content-security-policy': [
      "default-src 'none'",
      `script-src 'nonce-${nonce}'`,
      "style-src 'unsafe-inline'",
      'worker-src blob:',
      'img-src data:',
      'font-src data:',
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

/**
 * A script that makes what the browser has stored for GraphiQL's editors the same as the tab that they show: the one
 * that was active last, or the first. GraphiQL takes the variables of its first tab from there alone, and wherever
 * the two differ, as they do after a mere reload, it opens another tab.
 */
function fillEditors(first: Sample): string {
  return `
    try {
      const kept = JSON.parse(localStorage.getItem('graphiql:tabState'));
      const shown = kept?.tabs[kept.activeTabIndex] ?? ${JSON.stringify(first)};
      localStorage.setItem('graphiql:query', shown.query ?? '');
      localStorage.setItem('graphiql:variables', shown.variables ?? '');
    } catch {}
  `;
}

/** The Host header too: a foreign name that leads here would let a foreign page read this one (DNS rebinding). */
function isLocal(request: IncomingMessage): boolean {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  return LOCAL_HOSTS.has(host) && LOOPBACK.has(request.socket.remoteAddress ?? '');
}

async function refundablePayment(database: Database, environmentId: string): Promise<string | undefined> {
  const newest = await database.prisma.payment.findFirst({
    where: { environmentId, status: 'SUCCEEDED', refundStatus: { in: ['NONE', 'PARTIALLY_REFUNDED'] } },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    select: { id: true },
  });
  return newest === null ? undefined : encodeId('Payment', newest.id);
}
