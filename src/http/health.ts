import type { Page } from './server.ts';

const READY_PATH = '/readyz';

/** Why a process is to be sent no requests. */
export type Unready = 'stopping' | 'database' | 'migrations';

/** An answer serves all who ask for so long: whoever asks often costs nothing. */
const KEPT_MS = 1_000;
/** A database that takes longer answers payers too late as well. */
const ANSWER_MS = 2_000;

export interface ReadinessOptions {
  /** How many migrations that this build needs the database lacks. */
  readonly countMissingMigrations: () => Promise<number>;
  /** A monotonic clock, in milliseconds. */
  readonly nowMs: () => number;
  readonly answerMs?: number;
}

/** Whether this process is to be sent requests. */
export class Readiness {
  readonly #options: ReadinessOptions;
  #isStopping = false;
  #kept: { readonly atMs: number; readonly unready: Promise<Unready | undefined> } | undefined;
  /** The question that the database has yet to answer: however often it is asked, it is asked once. */
  #question: Promise<number> | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** From now on the process is not ready: whoever sends requests is to send them elsewhere. */
  stop(): void {
    this.#isStopping = true;
  }

  /** @returns why it is not ready; undefined if it is */
  async look(): Promise<Unready | undefined> {
    if (this.#isStopping) return 'stopping';
    const nowMs = this.#options.nowMs();
    if (this.#kept === undefined || nowMs - this.#kept.atMs >= KEPT_MS) {
      this.#kept = { atMs: nowMs, unready: this.#askDatabase() };
    }
    const unready = await this.#kept.unready;
    return this.isStopping ? 'stopping' : unready;
  }

  async #askDatabase(): Promise<Unready | undefined> {
    const { countMissingMigrations, answerMs = ANSWER_MS } = this.#options;
    this.#question ??= countMissingMigrations().finally(() => (this.#question = undefined));
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error('no answer in time')), answerMs);
    try {
      return (await Promise.race([this.#question, late])) === 0 ? undefined : 'migrations';
    } catch {
      // What broke is in the log: who asks here has no credential.
      return 'database';
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Answers /readyz: 200 if requests can be sent here, 503 with one word for why not.
 * @returns what answers a request, and tells whether it was one for it
 */
export function readyz(readiness: Pick<Readiness, 'look'>): Page {
  return async (request, response) => {
    if (request.url?.split('?')[0] !== READY_PATH) return false;
    const unready = await readiness.look();
    response
      .writeHead(unready === undefined ? 200 : 503, { 'content-type': 'text/plain', 'cache-control': 'no-store' })
      .end(unready === undefined ? 'ok\n' : `not ready: ${unready}\n`);
    return true;
  };
}
