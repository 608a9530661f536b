import { createClient } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import type { TypedDocumentString } from '../../generated/operations/graphql.ts';
import type { TestGateway } from './gateway.ts';

/** A subscription under way: what came is kept until it is taken. It ends with its test at the latest. */
export interface Subscription<R> {
  /** The next message's data. @throws if the subscription ended, or the message has errors */
  next(): Promise<R>;
  /** Messages up to the first that fits, which is the last of them. */
  takeUntil(fits: (data: R) => boolean): Promise<R[]>;
  stop(): Promise<void>;
}

/** Why a subscription ended, as its transport tells it. */
export function whyEnded(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
}

type Source<R> = AsyncIterator<{ data?: R | null | undefined; errors?: unknown }>;

/** How a client subscribes: the same operations over both transports. */
export type Subscribe = <R, V extends Record<string, unknown>>(
  gateway: TestGateway,
  document: TypedDocumentString<R, V>,
  variables: V,
  key?: string,
) => Subscription<R>;

export const subscribeOverWebSocket: Subscribe = (gateway, document, variables, key = gateway.keys.test) => {
  const client = connect(gateway, { authorization: `Bearer ${key}` });
  const source = client.iterate({ query: String(document), variables });
  return subscriptionOf(source as Source<never>, async () => {
    await source.return?.();
    await client.dispose();
  });
};

/** A WebSocket of its own, which is not opened before the first operation. */
export function connect(gateway: TestGateway, connectionParams: Record<string, unknown>) {
  return createClient({ url: gateway.url.replace('http', 'ws'), connectionParams, retryAttempts: 0 });
}

export const subscribeOverEvents: Subscribe = (gateway, document, variables, key = gateway.keys.test) => {
  const abort = new AbortController();
  const source = serverSentEvents(gateway.url, {
    method: 'POST',
    signal: abort.signal,
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query: String(document), variables }),
  });
  return subscriptionOf(source as Source<never>, async () => {
    abort.abort();
    // What was being waited for ends with the abort, and so has been told.
    await source.return(undefined).catch(() => undefined);
  });
};

async function* serverSentEvents(url: string, init: RequestInit): AsyncGenerator<{ data?: unknown; errors?: unknown }> {
  const response = await fetch(url, init);
  if (!response.ok || response.body === null) {
    throw new Error(`${response.status}: ${await response.text()}`);
  }
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
      if (field('event') === 'complete') return;
      const data = field('data');
      if (field('event') === 'next' && data !== undefined) yield JSON.parse(data) as { data?: unknown };
    }
  }
}

function subscriptionOf<R>(source: Source<R>, stop: () => Promise<void>): Subscription<R> {
  onTestFinished(stop);
  // Asked for at once: a generator sends nothing before that.
  let coming = source.next();
  coming.catch(() => undefined);
  const next = async (): Promise<R> => {
    const { done, value } = await coming;
    coming = source.next();
    coming.catch(() => undefined);
    if (done === true) throw new Error('the subscription ended');
    if (value.errors !== undefined || value.data == null) throw new Error(JSON.stringify(value));
    return value.data;
  };
  return {
    next,
    stop,
    async takeUntil(fits) {
      const taken: R[] = [];
      for (;;) {
        const data = await next();
        taken.push(data);
        if (fits(data)) return taken;
      }
    },
  };
}
