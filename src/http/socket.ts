import type { Server } from 'graphql-ws';
import type { WebSocket } from 'ws';

/** An open socket, as an operation on it is given it. */
export interface OpenSocket {
  readonly socket: WebSocket;
  /** Messages that are being handled: an operation's is until the operation has ended. */
  underWay: number;
  /** It is closed as soon as nothing is under way. */
  isLeaving: boolean;
}

/** A peer that does not answer a ping until the next one is gone. */
const PING_MS = 12_000;
/** graphql-ws's own, for what it did not expect. */
const INTERNAL_SERVER_ERROR = 4500;

/** The server goes away: its clients connect again, and reach another. */
const GOING_AWAY = 1001;

/** Lets a socket speak the protocol. Thousands wait here, so it keeps what it needs and nothing else. */
export function openSocket(socket: WebSocket, protocol: Server<OpenSocket>): OpenSocket {
  const open: OpenSocket = { socket, underWay: 0, isLeaving: false };
  // The socket closes itself with the code of what was wrong.
  socket.on('error', () => undefined);
  let answered = true;
  const pinging = setInterval(() => {
    if (!answered) socket.terminate();
    else if (socket.readyState === socket.OPEN) {
      answered = false;
      socket.ping();
    }
  }, PING_MS);
  socket.on('pong', () => {
    answered = true;
  });
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => send(socket, text),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) =>
        socket.on('message', (data: Buffer) => {
          open.underWay++;
          take(data.toString())
            .catch(() => socket.close(INTERNAL_SERVER_ERROR, 'Internal server error'))
            .finally(() => {
              open.underWay--;
              if (open.isLeaving) leave(open);
            });
        }),
    },
    open,
  );
  socket.once('close', (code, reason) => {
    clearInterval(pinging);
    void closed(code, String(reason));
  });
  return open;
}

/** Closes a socket as soon as everything that was asked on it is answered. */
export function leave(open: OpenSocket): void {
  open.isLeaving = true;
  if (open.underWay === 0) open.socket.close(GOING_AWAY, 'The server stops: connect again.');
}

/**
 * Sends what a subscription tells: subscribers who are told the same answer are sent the same text, which is made once.
 * @returns what graphql-ws goes through: an iterator that only ends
 */
export function sendAll(
  { socket }: OpenSocket,
  id: string,
  results: AsyncIterable<object>,
): AsyncIterableIterator<never, undefined> {
  const iterator: AsyncIterator<object, unknown> = results[Symbol.asyncIterator]();
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  const sendNext = async (): Promise<boolean> => {
    const told = await iterator.next();
    if (told.done !== true) await send(socket, `${head}${textOf(told.value)}}`);
    return told.done !== true;
  };
  return {
    async next() {
      try {
        while (await sendNext());
        return { done: true, value: undefined };
      } catch (error) {
        await end();
        throw error;
      }
    },
    return: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const texts = new WeakMap<object, string>();

function textOf(result: object): string {
  const text = texts.get(result) ?? JSON.stringify(result);
  texts.set(result, text);
  return text;
}

/** Waits until the socket has taken it, so that a subscriber that is slow is asked for no more. */
async function send(socket: WebSocket, text: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  await new Promise<void>((resolve, reject) => {
    socket.send(text, (error) => (error == null ? resolve() : reject(error)));
  });
}
