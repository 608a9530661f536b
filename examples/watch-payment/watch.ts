import { WatchPaymentDocument, type WatchPaymentSubscription } from '../../generated/examples/graphql.ts';
import { Refusal, subscribe } from './event-stream.ts';
import type { Session } from './server.ts';

type Change = WatchPaymentSubscription['paymentStatusChanged'];

const RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;
/** A connection that was lost sooner counts as one that failed. */
const SOON_MS = 5_000;

const pay = element('pay') as HTMLAnchorElement;
const changes = element('changes');

/** The last change that is in the list. */
let cursor: string | null = null;
let session: Session | undefined;

for (let failures = 0; ;) {
  const begun = performance.now();
  try {
    session ??= await askBackend();
    await watch(session);
  } catch (error) {
    if (error instanceof Refusal) {
      if (error.code === 'NOT_FOUND') {
        say(error.message);
        break;
      }
      // The token is over: the backend makes another.
      if (error.code === 'UNAUTHENTICATED') session = undefined;
      cursor = error.resumeFrom ?? cursor;
    }
  }
  say('Not connected. Trying again …');
  failures = performance.now() - begun > SOON_MS ? 0 : failures + 1;
  // Each page at another moment: a gateway that comes back is not asked by all of them at once.
  const wait = Math.min(RETRY_MS * 2 ** failures, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
  await new Promise((resolve) => setTimeout(resolve, wait));
}

/** Shows what there is after the cursor, and then what happens, until the connection ends. */
async function watch({ endpoint, token, paymentId }: Session): Promise<void> {
  const variables = { id: paymentId, after: cursor };
  const messages = subscribe({ endpoint, token }, WatchPaymentDocument, variables, () => say('Connected.'));
  for await (const { paymentStatusChanged } of messages) {
    show(paymentStatusChanged);
    cursor = paymentStatusChanged.cursor;
  }
}

async function askBackend(): Promise<Session> {
  const response = await fetch('/session', { method: 'POST' });
  if (!response.ok) throw new Error(`the backend answers ${response.status}`);
  const answer = (await response.json()) as Session;
  if (answer.paymentUrl !== null) pay.href = answer.paymentUrl;
  pay.hidden = answer.paymentUrl === null;
  return answer;
}

function show({ type, sequence, status, createdAt, amountCaptured, amountRefunded }: Change): void {
  const item = document.createElement('li');
  item.value = sequence;
  const name = document.createElement('strong');
  name.textContent = status;
  const time = document.createElement('time');
  time.dateTime = createdAt;
  time.textContent = new Date(createdAt).toLocaleTimeString();
  const { decimal: taken, currency } = amountCaptured;
  item.append(name, ` ${type}: ${taken} ${currency} taken, ${amountRefunded.decimal} given back, `, time);
  changes.append(item);
}

function say(text: string): void {
  element('connection').textContent = text;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`there is no #${id}`);
  return found;
}
