import type { IncomingMessage } from 'node:http';

/**
 * What is read of a body that is too long, and thrown away: a connection that is closed while its client still sends is
 * reset, and the client never sees why.
 */
const DISCARD_BYTES_MAX = 8_000_000;

/** The client left, or was cut off, before the body's end. */
export class BrokenOff extends Error {}

/**
 * The body of a request; undefined where it is longer than that. Then the connection is to be closed.
 * @throws BrokenOff
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax + DISCARD_BYTES_MAX) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else chunks = [];
      if (bytes > bytesMax + DISCARD_BYTES_MAX) {
        request.off('data', take).pause();
        resolve(undefined);
      }
    };
    request.on('data', take);
    request.once('end', () => resolve(bytes > bytesMax ? undefined : join(chunks)));
    const breakOff = (): void => reject(new BrokenOff('the body ends too soon'));
    request.once('error', breakOff).once('close', breakOff);
  });
}

function join(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}
