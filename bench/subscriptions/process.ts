import { fork } from 'node:child_process';

/** What a process of the benchmark can be asked, by name. */
// oxlint-disable-next-line typescript/no-explicit-any -- each answers its own question
type Calls = Record<string, (given: any) => unknown>;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly given: unknown;
}

type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** A process that was started, and answers questions. */
export interface Child<C extends Calls> {
  ask<N extends keyof C & string>(name: N, ...given: Parameters<C[N]>): Promise<Awaited<ReturnType<C[N]>>>;
  end(): Promise<void>;
}

/** The monotonic clock of the whole machine, in milliseconds: every process on it has the same. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Starts a program of this folder. It ends with this process. */
export function startChild<C extends Calls>(program: string): Child<C> {
  const child = fork(new URL(program, import.meta.url), {
    execArgv: ['--expose-gc', '--max-semi-space-size=32'],
    serialization: 'advanced',
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  child.on('message', (reply: Reply) => {
    const asking = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) asking?.reject(new Error(`${program}: ${reply.error}`));
    else asking?.resolve(reply.value);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`${program} has ended: ${signal ?? code}`));
      resolve();
    });
  });
  return {
    async ask(name, ...[given]) {
      const id = asked++;
      const asking = Promise.withResolvers<unknown>();
      waiting.set(id, asking);
      child.send({ id, name, given } satisfies Question);
      return (await asking.promise) as never;
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Answers the questions of the process that started this one, and ends with it. */
export function serve(calls: Calls): void {
  process.once('disconnect', () => process.exit());
  process.on('message', ({ id, name, given }: Question) => {
    void Promise.resolve()
      .then(() => calls[name]?.(given))
      .then((value): Reply => ({ id, value }))
      .catch((error: unknown): Reply => ({ id, error: error instanceof Error ? String(error.stack) : String(error) }))
      .then((reply) => process.send?.(reply));
  });
}

/** What a process has used so far. */
export interface Usage {
  /** Resident, in bytes, after what nobody needs any more was given back. */
  readonly rss: number;
  readonly heap: number;
  /** Of all its threads, in seconds. */
  readonly cpuSeconds: number;
}

export async function usage({ collect }: { readonly collect: boolean }): Promise<Usage> {
  const { user, system } = process.cpuUsage();
  // Some of it is only let go of in a later turn.
  for (let round = collect ? 0 : 4; round < 4; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heap: heapUsed, cpuSeconds: (user + system) / 1e6 };
}
