import { fork } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TypedDocumentString } from '../../generated/operations/graphql.ts';
import type { AppOptions } from '../../src/app.ts';
import type { Orders } from './crash-points.ts';
import type { TestGateway } from './gateway.ts';
import { Till } from './till.ts';

const PROGRAM = new URL('../crash/gateway.ts', import.meta.url);

/** What a child is told at its start. */
export interface ChildOptions extends Pick<AppOptions, 'database' | 'secret' | 'settings'> {
  readonly sandbox?: Omit<NonNullable<AppOptions['sandbox']>, 'interpose'>;
  /** Left out, it makes accounts and keys of its own. */
  readonly keys?: TestGateway['keys'];
}

/** What a child tells when it is up. */
export interface ChildReady {
  readonly url: string;
  readonly keys: TestGateway['keys'];
}

/** A gateway in a process of its own. */
export interface GatewayChild extends ChildReady {
  /** @returns when it will do so from now on */
  order(orders: Orders): Promise<void>;
  /** The signal that ended it; null if it ended by itself. */
  readonly ended: Promise<NodeJS.Signals | null>;
  /** Ends it, if it has not ended, and waits until it has. */
  kill(): Promise<void>;
}

export async function startChild(options: ChildOptions): Promise<GatewayChild> {
  const { PATH = '', HOME = '' } = process.env;
  const child = fork(PROGRAM, [JSON.stringify(options)], {
    execArgv: [],
    // Half of a start is compiling.
    env: { PATH, HOME, NODE_COMPILE_CACHE: join(tmpdir(), 'tender-test-compile-cache') },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => (said += part));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal));
  });
  const answer = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(message as T));
      void ended.then(() => reject(new Error(`the gateway has ended: ${said}`)));
    });
  return {
    ...(await answer<ChildReady>()),
    ended,
    async order(orders) {
      const obeyed = answer();
      child.send(orders);
      await obeyed;
    },
    async kill() {
      // Known by its pid, which is not given to another process before its end is told.
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A merchant whose requests go to one of several gateways. */
export function tillAt(child: ChildReady, key?: keyof TestGateway['keys']): Till {
  const client = clientAt(child);
  return new Till(() => client as TestGateway, key);
}

/** What sends requests to one of several gateways. */
export function clientAt({ url, keys }: ChildReady): Pick<TestGateway, 'keys' | 'execute'> {
  return {
    keys,
    async execute<R, V>(document: TypedDocumentString<R, V>, variables: V, options: { key?: string } = {}) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${options.key ?? keys.test}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query: String(document), variables }),
      });
      const { data, errors } = (await response.json()) as { data: R | null; errors?: unknown };
      if (errors !== undefined || data === null) throw new Error(`the answer has errors: ${JSON.stringify(errors)}`);
      return data;
    },
  };
}
