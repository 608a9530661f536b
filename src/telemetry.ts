import { AsyncLocalStorage } from 'node:async_hooks';
import { pino, type DestinationStream, type Logger } from 'pino';
import { allowedFacts, type Facts } from './facts.ts';

export type { Logger };

/** A request, or a piece of work that the gateway took on by itself. */
export interface Errand {
  /** In every line of the log that belongs to it. */
  readonly requestId: string;
  /** Of what is no request: which round took it on. */
  readonly round?: string;
}

/** A part of a trace that is under way. */
export interface OpenSpan {
  readonly traceId: string;
  /** As it goes on to others: the W3C's header. */
  readonly traceparent: string;
  rename(name: string): void;
  note(facts: Facts): void;
  /** @param error its class, if it failed */
  end(error?: string): void;
}

export type SpanKind = 'server' | 'internal' | 'client';

/** Where spans go, if they go anywhere. */
export interface Tracer {
  /** @param parent the span that it is a part of, or the header with which another system names its own */
  start(name: string, kind: SpanKind, facts: Facts, parent: OpenSpan | string | undefined): OpenSpan;
  /** Sends what is left. */
  stop(): Promise<void>;
}

/** What runs now is done for this. */
export interface Scope {
  readonly errand: Errand;
  readonly span: OpenSpan | undefined;
}

/**
 * One for the process, because the log and whatever opens a scope have to mean the same one. Measured on Node 24, a scope
 * adds 0.06 µs to each await; handing an id on through every function would spare that, and be forgotten in one.
 */
const scopes = new AsyncLocalStorage<Scope | undefined>();

const untold = (): void => undefined;

/** For which request something is done, and how long its parts take. Without a tracer a span is a call and nothing else. */
export class Telemetry {
  readonly #tracer: Tracer | undefined;

  constructor(tracer?: Tracer) {
    this.#tracer = tracer;
  }

  get isTracing(): boolean {
    return this.#tracer !== undefined;
  }

  /** What is under way; undefined outside of any. */
  get scope(): Scope | undefined {
    return scopes.getStore();
  }

  /** Opens a trace for an errand: whoever does ends its span. */
  open(errand: Errand, name: string, kind: SpanKind, parent?: string): Scope {
    return { errand, span: this.#tracer?.start(name, kind, errandFacts(errand), parent) };
  }

  /** Everything that work begins belongs to the scope. */
  within<T>(scope: Scope, work: () => T): T {
    return scopes.run(scope, work);
  }

  /** What outlives the request that set it off belongs to none. */
  outside<T>(work: () => T): T {
    return scopes.run(undefined, work);
  }

  /** A piece of work of the gateway's own, with a trace of its own. */
  async errand<T>(errand: Errand, name: string, work: () => Promise<T>): Promise<T> {
    const scope = this.open(errand, name, 'internal');
    return this.within(scope, () => ended(scope.span, work));
  }

  /**
   * Runs a part of what is under way as a span. Outside of any it is no span: nobody would find it.
   * @param work is given what takes down facts that are known in the end only
   */
  async span<T>(
    name: string,
    kind: SpanKind,
    facts: Facts,
    work: (note: (facts: Facts) => void) => Promise<T>,
  ): Promise<T> {
    const scope = this.#tracer && scopes.getStore();
    if (this.#tracer === undefined || scope?.span === undefined) return work(untold);
    const span = this.#tracer.start(name, kind, facts, scope.span);
    return this.within({ ...scope, span }, () => ended(span, () => work((told) => span.note(told))));
  }

  /** The same for a part that waits for nothing. */
  step<T>(name: string, work: () => T): T {
    const parent = this.#tracer && scopes.getStore()?.span;
    if (this.#tracer === undefined || parent === undefined) return work();
    const span = this.#tracer.start(name, 'internal', {}, parent);
    try {
      return work();
    } finally {
      span.end();
    }
  }

  /** Sends what is left of traces. */
  async stop(): Promise<void> {
    await this.#tracer?.stop();
  }
}

async function ended<T>(span: OpenSpan | undefined, work: () => Promise<T>): Promise<T> {
  let error: string | undefined;
  try {
    return await work();
  } catch (thrown) {
    // Its class only: a message may repeat what was sent.
    error = thrown instanceof Error ? thrown.name : typeof thrown;
    throw thrown;
  } finally {
    span?.end(error);
  }
}

function errandFacts({ requestId, round }: Errand): Facts {
  return round === undefined ? { requestId } : { requestId, round };
}

function scopeFacts(): Facts {
  const scope = scopes.getStore();
  if (scope === undefined) return {};
  const { errand, span } = scope;
  return span === undefined ? errandFacts(errand) : { ...errandFacts(errand), traceId: span.traceId };
}

export interface LogOptions {
  /** JSON for machines, which is what is left out; or a line for people. */
  readonly format?: 'json' | 'pretty';
  /** Where the lines go, in a test; standard error if it is left out. */
  readonly stream?: DestinationStream;
}

/**
 * The log: lines on standard error, so that what the console shows a person stays readable. Each names the request that it
 * belongs to. It is given ids and codes, never a request's body, headers or a row; what is not on the list stays out.
 */
export function createLogger(level: string, { format = 'json', stream }: LogOptions = {}): Logger {
  const options = { level, base: null, mixin: scopeFacts, formatters: { log: allowedFacts } };
  if (format === 'pretty')
    return pino(options, stream ?? { write: (line) => void process.stderr.write(forPeople(line)) });
  return pino(options, stream ?? pino.destination({ dest: 2, sync: false }));
}

/** "12:34:56.789 WARN  what happened  paymentId=…" */
export function forPeople(line: string): string {
  const { level, time, msg, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const at = new Date(Number(time)).toISOString().slice(11, 23);
  const name = (pino.levels.labels[Number(level)] ?? String(level)).toUpperCase().padEnd(5);
  const told = Object.entries(facts).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${[`${at} ${name}`, String(msg), ...told].join('  ')}\n`;
}
