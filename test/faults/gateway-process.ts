import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { FromGateway, ToGateway } from './gateway.ts';

export interface GatewayProcessOptions {
  readonly name: string;
  /** Where its log goes and its compiled code is kept. */
  readonly directory: string;
  /** Drawn anew for each start, so that no process repeats the faults of the one before. */
  readonly start: () => Extract<ToGateway, { type: 'start' }>;
  readonly onMessage: (message: FromGateway) => void;
  /** Whether it may end by itself now: without a database it cannot start. */
  readonly mayFail: () => boolean;
  readonly onUnexpectedEnd: (text: string) => void;
}

const PROGRAM = join(import.meta.dirname, 'gateway.ts');
const STOP_MS = 15_000;
/** A gateway that could not start is started again after this: it would take the cores from the database that it waits for. */
const AGAIN_MS = 500;

/**
 * One of the gateways: a process that is killed and started again, as a supervisor would. The next process has
 * loaded its code already, so that the two cores are there for the load and not for starting.
 */
export class GatewayProcess {
  readonly #options: GatewayProcessOptions;
  #child: ChildProcess | undefined;
  #spare: ChildProcess | undefined;
  #url = '';
  #isReady = false;
  #isStopping = false;
  #isCalm = false;

  constructor(options: GatewayProcessOptions) {
    this.#options = options;
    // Before what removes the directory that they write into.
    process.prependListener('exit', this.#end);
  }

  /** Where it listens, or listened last: clients find out by asking. */
  get url(): string {
    return this.#url;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Starts it; the supervision goes on until it is stopped. */
  start(): void {
    const child = this.#spare ?? this.#load();
    this.#spare = undefined;
    this.#child = child;
    child.on('message', (message: FromGateway) => this.#take(message));
    child.once('exit', (code, signal) => this.#onExit(code, signal));
    if (hasEnded(child)) this.#onExit(child.exitCode, child.signalCode);
    else child.send(this.#options.start());
  }

  /** Kills it in the middle of what it is doing. It is started again at once. */
  kill(): void {
    this.#isReady = false;
    this.#child?.kill('SIGKILL');
  }

  /** No more faults from here on. */
  calm(): void {
    this.#isCalm = true;
    if (this.#isReady) this.#child?.send({ type: 'calm' } satisfies ToGateway);
  }

  /** Ends it as an operator does, which has to work. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#spare?.kill('SIGKILL');
    const child = this.#child;
    if (child !== undefined && !hasEnded(child)) {
      const ended = new Promise((resolve) => {
        child.once('exit', resolve);
      });
      if (this.#isReady) child.send({ type: 'stop' } satisfies ToGateway);
      else child.kill('SIGKILL');
      const timer = setTimeout(() => {
        this.#options.onUnexpectedEnd(`${this.#options.name} did not stop within ${STOP_MS} ms`);
        child.kill('SIGKILL');
      }, STOP_MS);
      await ended;
      clearTimeout(timer);
    }
    process.off('exit', this.#end);
  }

  /** A process that waits for being told to start. */
  #load(): ChildProcess {
    const { directory, name } = this.#options;
    const log = openSync(join(directory, `${name}.log`), 'a');
    const child = fork(PROGRAM, [], {
      stdio: ['ignore', 'ignore', log, 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'compiled') },
      // Amounts are bigint, which JSON has not.
      serialization: 'advanced',
    });
    closeSync(log);
    // A message to a process that was just killed: its end is what counts.
    child.on('error', () => {});
    return child;
  }

  #take(message: FromGateway): void {
    if (message.type === 'ready') {
      this.#url = message.url;
      this.#isReady = true;
      if (this.#isCalm) this.calm();
      else this.#spare ??= this.#load();
    }
    this.#options.onMessage(message);
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    const wasReady = this.#isReady;
    this.#isReady = false;
    if (this.#isStopping) return;
    if (signal === 'SIGKILL') {
      this.start();
      return;
    }
    if (wasReady || !this.#options.mayFail()) {
      this.#options.onUnexpectedEnd(`${this.#options.name} ended by itself (${signal ?? `exit code ${code}`})`);
    }
    setTimeout(() => {
      if (!this.#isStopping) this.start();
    }, AGAIN_MS);
  }

  #end = (): void => {
    this.#child?.kill('SIGKILL');
    this.#spare?.kill('SIGKILL');
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
