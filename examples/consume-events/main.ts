/**
 * Follows the events of all payments for ever, and writes each as a line. The cursor is kept in a file once the line is
 * written: whatever ends this program, the next start goes on there, and only the event that was under way comes again.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { CloseCode, createClient } from 'graphql-ws';
import { FollowEventsDocument, type FollowEventsSubscription } from '../../generated/examples/graphql.ts';

type Event = NonNullable<FollowEventsSubscription['paymentEvents']['event']>;

const { TENDER_URL = 'http://127.0.0.1:4000', TENDER_KEY, CURSOR_FILE = 'events.cursor' } = process.env;

const RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;
/** A connection that was lost sooner counts as one that failed. */
const SOON_MS = 5_000;
const PING_MS = 10_000;
const PONG_MS = 5_000;

/** Why the gateway refused a subscription, or ended one, as far as it said. */
interface Fault {
  readonly message: string;
  readonly code?: string;
  readonly resumeFrom?: string;
}

interface Refusal {
  readonly message: string;
  readonly extensions?: Omit<Fault, 'message'>;
}

/** What is to be done with an event. Its id tells one that comes again. */
async function dealWith(event: Event): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(`${JSON.stringify(event)}\n`, (error) => (error == null ? resolve() : reject(error)));
  });
}

async function readCursor(): Promise<string | null> {
  try {
    return (await readFile(CURSOR_FILE, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whole or not at all: who is killed meanwhile finds the one before. */
async function keepCursor(cursor: string): Promise<void> {
  await writeFile(`${CURSOR_FILE}.new`, `${cursor}\n`, { flush: true });
  await rename(`${CURSOR_FILE}.new`, CURSOR_FILE);
}

/** What there is after the cursor, and then what happens, until the connection ends. */
async function follow(): Promise<void> {
  let pong: NodeJS.Timeout | undefined;
  const client = createClient({
    url: new URL('/graphql', TENDER_URL).href.replace('http', 'ws'),
    connectionParams: { authorization: `Bearer ${TENDER_KEY}` },
    // The client's own retries would ask with the cursor of the first time.
    retryAttempts: 0,
    // A connection may be lost without a word.
    keepAlive: PING_MS,
    on: {
      ping: (received) => {
        if (!received) pong = setTimeout(() => client.terminate(), PONG_MS);
      },
      pong: () => clearTimeout(pong),
    },
  });
  try {
    const after = await readCursor();
    const messages = client.iterate<FollowEventsSubscription>({
      query: String(FollowEventsDocument),
      variables: { after },
    });
    for await (const { data, errors } of messages) {
      if (data == null || errors !== undefined) throw new Error('The gateway refused.', { cause: errors });
      const { cursor, event } = data.paymentEvents;
      // The first message of all tells where the events begin, and none of them.
      if (event !== null) await dealWith(event);
      await keepCursor(cursor);
    }
  } finally {
    clearTimeout(pong);
    await client.dispose();
  }
}

/** A refusal is a list of GraphQL errors, in a message or in its place; a connection ends with the event of its socket. */
function faultOf(error: unknown): Fault {
  const errors = error instanceof Error ? error.cause : error;
  const [refusal] = Array.isArray(errors) ? (errors as readonly Refusal[]) : [];
  if (refusal !== undefined) return { ...refusal.extensions, message: refusal.message };
  const { code, reason, message } = error as { code?: unknown; reason?: string; message?: string };
  if (code === CloseCode.Forbidden) return { code: 'UNAUTHENTICATED', message: 'This key is not known.' };
  return { message: reason || message || 'The connection was lost.' };
}

/** Goes on from where the gateway says, if it is to be gone on. */
async function settle({ code, message, resumeFrom }: Fault): Promise<void> {
  console.error(code === undefined ? message : `${code}: ${message}`);
  switch (code) {
    case 'CURSOR_TOO_OLD':
      console.error('Events were left out: look at the payments themselves. Going on with the oldest that are kept.');
      await keepCursor(String(resumeFrom));
      break;
    case 'CURSOR_OF_ANOTHER_EPOCH':
      console.error('Compare what you know with the payments themselves. Going on at the same place.');
      await keepCursor(String(resumeFrom));
      break;
    case 'CURSOR_UNKNOWN':
      console.error(`${CURSOR_FILE} is of another gateway. Without it, the events from now on are followed.`);
      return process.exit(1);
    case 'UNAUTHENTICATED':
      return process.exit(1);
    default:
    // Subscribed again after the cursor, all goes on.
  }
}

if (TENDER_KEY === undefined) {
  console.error('TENDER_KEY: the secret key, which the console of the gateway shows.');
  process.exit(1);
}
for (let failures = 0; ;) {
  const begun = performance.now();
  try {
    await follow();
  } catch (error) {
    await settle(faultOf(error));
  }
  failures = performance.now() - begun > SOON_MS ? 0 : failures + 1;
  const wait = Math.min(RETRY_MS * 2 ** failures, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
  await new Promise((resolve) => setTimeout(resolve, wait));
}
