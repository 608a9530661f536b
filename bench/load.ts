import { randomBytes } from 'node:crypto';
import { KeptConnection, requestBytes } from './http-client.ts';
import { nowMs, serve } from './subscriptions/process.ts';

/** The process that asks: one client for every server, on kept connections, each asking one thing after another. */
export type LoadCalls = typeof calls;

export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Load {
  readonly target: Target;
  readonly atOnce: number;
  /** What is asked, in turns. Once every text was sent, it begins again, unless `once`. */
  readonly bodies: readonly string[];
  /** For so long; or until every text was sent: what is answered after the last of them counts for no rate. */
  readonly seconds: number | 'once';
  /** Stands in every answer that is right. */
  readonly expected: string;
}

/** What came of a load. */
export interface Answered {
  /** In all. */
  readonly count: number;
  /** For how long all were at it. */
  readonly seconds: number;
  /** How long each took that was answered meanwhile, in milliseconds. */
  readonly latencies: Float64Array;
}

/** In a text, it stands for another word each time. */
export const UNIQUE = '%UNIQUE%';

let drawn = 0;
/** Of this process, in letters: in a row of digits the gateway may see a card number, and refuse the text. */
const run = Array.from(randomBytes(12), (byte) => String.fromCodePoint(0x61 + (byte % 26))).join('');

const calls = {
  async ask({ target, body }: { target: Target; body: string }): Promise<string> {
    const connection = await KeptConnection.open(target.url);
    try {
      const { status, body: answer } = await connection.ask(requestFor(target, body));
      if (status !== 200) throw new Error(`${target.url} answered ${status}: ${answer.slice(0, 500)}`);
      return answer;
    } finally {
      connection.close();
    }
  },
  async load({ target, atOnce, bodies, seconds, expected }: Load): Promise<Answered> {
    const requests = bodies.map((body) => (body.includes(UNIQUE) ? body : requestFor(target, body)));
    const connections = await Promise.all(Array.from({ length: atOnce }, () => KeptConnection.open(target.url)));
    const latencies: number[] = [];
    let next = 0;
    let count = 0;
    let sentAt: number | undefined;
    const begun = nowMs();
    const end = seconds === 'once' ? Number.POSITIVE_INFINITY : begun + seconds * 1_000;
    const work = async (connection: KeptConnection): Promise<void> => {
      for (let at = nowMs(); at < end;) {
        if (seconds === 'once' && next >= requests.length) {
          sentAt ??= at;
          return;
        }
        const request = requests[next++ % requests.length] ?? '';
        const { status, body } = await connection.ask(
          typeof request === 'string' ? requestFor(target, request) : request,
        );
        if (status !== 200 || !body.includes(expected)) {
          throw new Error(`${target.url} answered ${status}: ${body.slice(0, 500)}`);
        }
        const answeredAt = nowMs();
        count++;
        if (sentAt === undefined) latencies.push(answeredAt - at);
        at = answeredAt;
      }
    };
    try {
      await Promise.all(connections.map(work));
    } finally {
      for (const connection of connections) connection.close();
    }
    return {
      count,
      seconds: ((sentAt ?? nowMs()) - begun) / 1_000,
      latencies: Float64Array.from(latencies),
    };
  },
};

function requestFor({ url, headers }: Target, body: string): Buffer {
  return requestBytes(
    url,
    body.replaceAll(UNIQUE, () => `${run}-${drawn++}`),
    headers,
  );
}

serve(calls);
