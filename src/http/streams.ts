import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import type { Connections } from './connections.ts';
import { refusal } from './refusal.ts';
import type { HttpContext } from './strict-requests.ts';

const EVENT_STREAM = 'text/event-stream';

/**
 * Subscriptions over server-sent events: each has a place among the connections of its credential for as long as its answer
 * is open, and a client that takes nothing for too long is cut off.
 */
export function useStreams(
  connections: Connections,
  stallTimeoutMs: number,
): Plugin<Context & Partial<HttpContext>, HttpContext> {
  return {
    onSubscribe({ args, setResultAndStopExecution }) {
      const { req, res, credential } = args.contextValue;
      // Over WebSocket, the connection has a place already.
      if (req === undefined || res === undefined) return;
      try {
        if (!accepts(req.headers.accept))
          throw refusal('NOT_ACCEPTABLE', 406, `A subscription is answered as ${EVENT_STREAM}.`);
        res.once('close', connections.enter(credential));
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        setResultAndStopExecution({ errors: [error] });
      }
    },
    onResponse({ response, serverContext: { res } }) {
      if (!response.headers.get('content-type')?.startsWith(EVENT_STREAM)) return;
      response.headers.set('cache-control', 'no-store');
      // Yoga switches the limit off when it begins to send, right after this. It pings every 12 seconds, so that something
      // moves wherever something is taken.
      setImmediate(() => res.socket?.setTimeout(stallTimeoutMs));
    },
  };
}

function accepts(accept = '*/*'): boolean {
  return [EVENT_STREAM, 'text/*', '*/*'].some((type) => accept.toLowerCase().includes(type));
}
