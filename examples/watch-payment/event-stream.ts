import type { TypedDocumentString } from '../../generated/examples/graphql.ts';

/** Why the gateway refused a subscription, or ended one. */
export class Refusal extends Error {
  readonly code: string | undefined;
  /** Where to go on, where it cannot be gone on from the cursor that was given. */
  readonly resumeFrom: string | undefined;

  constructor(fault: Fault) {
    super(fault.message);
    this.code = fault.extensions?.code;
    this.resumeFrom = fault.extensions?.resumeFrom;
  }
}

interface Fault {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly resumeFrom?: string };
}

/** The gateway says something every 12 seconds, if only that it is there. */
const SILENCE_MS = 30_000;

/**
 * A subscription as server-sent events, by fetch: an EventSource sends no Authorization header. It ends when the
 * connection does.
 * @param opened is called once the gateway has taken it
 * @throws Refusal what the gateway said; anything else is the connection's fault
 */
export async function* subscribe<R, V>(
  { endpoint, token }: { readonly endpoint: string; readonly token: string },
  document: TypedDocumentString<R, V>,
  variables: V,
  opened: () => void,
): AsyncGenerator<R> {
  const abort = new AbortController();
  const giveUp = () => abort.abort();
  let timer = setTimeout(giveUp, SILENCE_MS);
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      signal: abort.signal,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ query: String(document), variables }),
    });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (response.body === null || !isStream) throw new Error(`This is no gateway: it answers ${response.status}.`);
    // A refusal comes as a stream too, of one message.
    if (response.ok) opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(giveUp, SILENCE_MS);
      const blocks = (text + value).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.+)$/m.exec(block)?.[1];
        if (data === undefined) continue;
        const message = JSON.parse(data) as { data?: R | null; errors?: readonly Fault[] };
        const [fault] = message.errors ?? [];
        if (fault !== undefined) throw new Refusal(fault);
        if (message.data != null) yield message.data;
      }
    }
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}
