import type { Reconciliation } from '../../generated/prisma/client.ts';
import {
  Comparison,
  MARGIN_MS,
  type Counts,
  type Difference,
  type Entry,
  type Line,
  type Stretch,
} from '../domain/reconciliation.ts';
import type { Processor } from '../processors/port.ts';
import { countAsked, deadlineAfter, findAsked, readAsked, type AskedCursor } from '../store/asked.ts';
import { endRun, failRun, keepRun, type DifferenceRow } from '../store/reconciliation.ts';
import { entryOf } from './entry.ts';
import type { Gateway } from './gateway.ts';
import { aborted } from './in-time.ts';

/** What a comparison works with: the command of tools/reconcile.ts has no more than that. */
export type Reconciler = Pick<Gateway, 'database' | 'processors' | 'now' | 'newId' | 'report'>;

/** How far a run has come, in operations of ours. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface RunOptions {
  /** Breaks the run off: it is taken up again by whoever runs then. */
  readonly stopping: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Operations that are compared in one go, for a test: their ids are held in memory. */
  readonly operationsAtOnce?: number;
}

/** Longer than a page of any statement takes: whoever has a run prolongs it with each page. */
export const RUN_LEASE_MS = 5 * 60_000;
/** Rows and lines that are read at once. */
const PAGE = 500;
/** 100,000 ids are some ten megabytes. */
const OPERATIONS_AT_ONCE = 100_000;
/** More than anybody reads; all are counted. */
const DIFFERENCES_KEPT_MAX = 10_000;
/** A statement of which no line has come for so long is given up. */
const LINE_TIMEOUT_MS = 2 * 60_000;
/** It is tried again after 5, 10, 20, … minutes, over half a day. */
const TRIES_MAX = 8;
const FIRST_RETRY_MS = 5 * 60_000;

/**
 * Compares a stretch of time with a processor's books, and writes down what differs. A run that breaks off leaves no
 * differences behind: the books may be right, and were not all to be had.
 * @param run which the caller has claimed
 * @returns LOST for one that someone else has taken over, or takes over
 */
export async function runReconciliation(
  gateway: Reconciler,
  run: Reconciliation,
  options: RunOptions,
): Promise<'COMPLETED' | 'FAILED' | 'LOST'> {
  const { database } = gateway;
  try {
    const { counts, differences } = await new Run(gateway, run, options).compare();
    return (await endRun(database, run, counts, differences.map(rowOf))) ? 'COMPLETED' : 'LOST';
  } catch (error) {
    if (error instanceof RunLost) return 'LOST';
    if (options.stopping.aborted) {
      await keepRun(database, run, 0);
      return 'LOST';
    }
    const isLast = run.tries >= TRIES_MAX;
    await failRun(database, run, isLast ? null : FIRST_RETRY_MS * 2 ** (run.tries - 1));
    gateway.report('the books of a processor could not be compared', {
      reconciliationId: run.id,
      processor: run.processor,
      processorAccountId: run.processorAccountId,
      tries: run.tries,
      // The class only: a message could carry what was sent.
      error: error instanceof Error ? error.name : 'unknown',
    });
    return 'FAILED';
  }
}

/** The credentials of the account cannot be opened. */
class SealedAway extends Error {
  override readonly name = 'SealedAway';
}

/** Its lease was over, and someone else has begun it anew. */
class RunLost extends Error {}

class Run {
  readonly #gateway: Reconciler;
  readonly #run: Reconciliation;
  readonly #options: RunOptions;
  readonly #differences: Difference[] = [];
  readonly #counts = { agreeing: 0, differing: 0, underWay: 0, strangers: 0 };
  /** Our operations in the whole stretch. */
  #total = 0;

  constructor(gateway: Reconciler, run: Reconciliation, options: RunOptions) {
    this.#gateway = gateway;
    this.#run = run;
    this.#options = options;
  }

  /** Compares the whole stretch in parts, each of which has only so many operations. */
  async compare(): Promise<{ readonly counts: Counts; readonly differences: readonly Difference[] }> {
    const { database, processors, now } = this.#gateway;
    const processor = await processors.at(this.#run);
    if (processor === undefined) throw new SealedAway();
    const { untilAt: until, fromAt } = this.#run;
    this.#total = await countAsked(database, this.#run, deadlinesOf({ from: fromAt, until }, processor));
    let from = fromAt;
    while (from < until) {
      const stretch = { from, until: await this.#endOfPart({ from, until }, processor), asOf: now() };
      const comparison = new Comparison(stretch);
      await this.#compareLines(processor, comparison, stretch);
      await this.#compareEntries(processor, comparison, stretch);
      for (const verdict of ['agreeing', 'differing', 'underWay', 'strangers'] as const) {
        this.#counts[verdict] += comparison.counts[verdict];
      }
      from = stretch.until;
    }
    this.#tell(this.#total);
    return { counts: this.#counts, differences: this.#differences };
  }

  /** What is at the edges of parts and days may be spoken of elsewhere: until the end, it is about so many. */
  #tell(done: number): void {
    this.#options.onProgress?.({ done: Math.min(done, this.#total), total: this.#total });
  }

  async #endOfPart(rest: Pick<Stretch, 'from' | 'until'>, processor: Processor): Promise<Date> {
    const { operationsAtOnce = OPERATIONS_AT_ONCE } = this.#options;
    const deadlines = deadlinesOf(rest, processor);
    const next = await deadlineAfter(this.#gateway.database, this.#run, deadlines, operationsAtOnce);
    if (next === undefined) return rest.until;
    // Of more than that in one millisecond, all are in the part.
    return new Date(Math.max(next.getTime() - processor.limits.callTimeoutMs, rest.from.getTime() + 1));
  }

  /** Theirs are read before ours: what changes between the two has changed lately by our own rows. */
  async #compareLines(processor: Processor, comparison: Comparison, { from, until }: Stretch): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([this.#options.stopping, ended.signal]);
    const [early, late] = [new Date(from.getTime() - MARGIN_MS), new Date(until.getTime() + MARGIN_MS)];
    const lines = processor.statement(early, late, signal, this.#run.environmentId);
    const silence = setTimeout(() => ended.abort(new Error('no line has come')), LINE_TIMEOUT_MS);
    try {
      // A connector that does not heed its signal is left behind all the same.
      await Promise.race([this.#takeLines(processor, comparison, lines, { signal, silence }), aborted(signal)]);
    } finally {
      clearTimeout(silence);
      ended.abort();
    }
  }

  async #takeLines(
    processor: Processor,
    comparison: Comparison,
    lines: AsyncIterable<Line>,
    { signal, silence }: { readonly signal: AbortSignal; readonly silence: NodeJS.Timeout },
  ): Promise<void> {
    let page: Line[] = [];
    for await (const line of lines) {
      signal.throwIfAborted();
      silence.refresh();
      page.push(line);
      if (page.length < PAGE) continue;
      await this.#takePage(processor, comparison, page);
      page = [];
    }
    await this.#takePage(processor, comparison, page);
  }

  async #takePage(processor: Processor, comparison: Comparison, page: readonly Line[]): Promise<void> {
    await this.#keep();
    if (page.length === 0) return;
    const keys = page.flatMap(({ key }) => key ?? []);
    const references = page.map(({ reference }) => reference);
    const rows = await findAsked(this.#gateway.database, this.#run, { keys, references });
    this.#note(comparison, comparison.takeLines(page, this.#entries(rows, processor)));
  }

  async #compareEntries(processor: Processor, comparison: Comparison, stretch: Stretch): Promise<void> {
    const { database } = this.#gateway;
    let after: AskedCursor | undefined;
    do {
      const rows = await readAsked(database, this.#run, deadlinesOf(stretch, processor), { after, limit: PAGE });
      this.#note(comparison, comparison.takeEntries(this.#entries(rows, processor)));
      await this.#keep();
      after = rows.length < PAGE ? undefined : rows.at(-1);
    } while (after !== undefined);
  }

  #entries(rows: Awaited<ReturnType<typeof readAsked>>, { limits }: Processor): Entry[] {
    return rows.flatMap((row) => entryOf(row, limits.callTimeoutMs) ?? []);
  }

  #note({ counts }: Comparison, found: readonly Difference[]): void {
    this.#differences.push(...found.slice(0, DIFFERENCES_KEPT_MAX - this.#differences.length));
    this.#tell([this.#counts, counts].reduce((sum, each) => sum + each.agreeing + each.differing + each.underWay, 0));
  }

  async #keep(): Promise<void> {
    this.#options.stopping.throwIfAborted();
    if (!(await keepRun(this.#gateway.database, this.#run, RUN_LEASE_MS))) throw new RunLost();
  }
}

/** The ends of the calls that were made in a stretch. */
function deadlinesOf({ from, until }: Pick<Stretch, 'from' | 'until'>, { limits }: Processor) {
  const end = (at: Date): Date => new Date(at.getTime() + limits.callTimeoutMs);
  return { from: end(from), until: end(until) };
}

function rowOf({ kind, ours, theirs, again }: Difference): DifferenceRow {
  const named = ours ?? again;
  const at = theirs?.createdAt ?? ours?.askedAt;
  const of = theirs?.kind ?? ours?.kind;
  if (at === undefined || of === undefined) throw new Error('a difference of nothing');
  return {
    kind,
    of,
    paymentId: named?.paymentId ?? null,
    operationId: named?.id ?? null,
    processorReference: theirs?.reference ?? ours?.reference ?? null,
    ourAmount: ours?.amount ?? null,
    ourCurrency: ours?.currency ?? null,
    ourState: ours?.state ?? null,
    theirAmount: theirs?.amount ?? null,
    theirCurrency: theirs?.currency ?? null,
    theirState: theirs?.state ?? null,
    occurredAt: at,
  };
}
