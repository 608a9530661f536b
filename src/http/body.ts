import type { IncomingMessage } from 'node:http';

/**
 * What is still read of a body that is too long, and thrown away: a connection that is closed while its client sends is
 * reset, and the client never sees why.
 */
const DISCARD_BYTES_MAX = 8_000_000;

/** The client left, or was cut off, before the body's end. */
export class BrokenOff extends Error {}

/**
 * The body of a request; undefined as soon as it is longer than that. It can be answered then: the rest is thrown away, and
 * the connection cut if that is much.
 * @throws BrokenOff
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const refuse = (): void => {
      request.off('data', take);
      discard(request);
      resolve(undefined);
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > bytesMax) refuse();
    };
    const breakOff = (): void => reject(new BrokenOff('the body ends too soon'));
    const finish = (): void => {
      // Every request is closed at last. An error that nobody sees costs what one costs that somebody does.
      request.off('close', breakOff);
      resolve(join(chunks));
    };
    request.once('error', breakOff).once('close', breakOff);
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) refuse();
    else request.on('data', take).once('end', finish);
  });
}

function discard(request: IncomingMessage): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES_MAX) request.destroy();
  });
}

function join(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}
