import { unreachable } from './result.ts';

/**
 * Compares what we have written down with a processor's own books, over a stretch of time. What is compared is money and
 * where it is; how it came there is nobody's business here.
 */

export type StatementKind = 'CHARGE' | 'REFUND';
export type StatementState = 'AUTHORIZED' | 'SUCCEEDED' | 'PENDING' | 'FAILED' | 'CANCELED';

/** What we asked a processor for, and what we take it to have done. */
export interface Entry {
  /** The operation's id. */
  readonly id: string;
  readonly paymentId: string;
  readonly kind: StatementKind;
  readonly key: string;
  /** The processor's id of it, where that is known. */
  readonly reference: string | null;
  /** Minor units: what was captured or given back; of what was not, what was asked for. */
  readonly amount: bigint;
  /** How much of it was taken back since. Some processors take that off their books, and others leave it there. */
  readonly reversed: bigint;
  /** The whole amount of a charge of which some is held still; 0 where nothing is. */
  readonly held: bigint;
  readonly currency: string;
  /** UNKNOWN while nobody has heard what became of it. */
  readonly state: StatementState | 'UNKNOWN';
  /** When the processor was asked. */
  readonly askedAt: Date;
  /** When we last changed anything about it. */
  readonly changedAt: Date;
}

/** A line of the processor's books. */
export interface Line {
  readonly kind: StatementKind;
  readonly reference: string;
  /** Null where nobody here asked for it. */
  readonly key: string | null;
  readonly amount: bigint;
  readonly currency: string;
  readonly state: StatementState;
  readonly createdAt: Date;
}

/** The half-open stretch of time that is compared, and when both sides are read. */
export interface Stretch {
  readonly from: Date;
  readonly until: Date;
  readonly asOf: Date;
}

export type DifferenceKind = 'MISSING_HERE' | 'MISSING_THERE' | 'OTHER_AMOUNT' | 'OTHER_CURRENCY' | 'OTHER_STATE';

export interface Difference {
  readonly kind: DifferenceKind;
  readonly ours: Entry | null;
  readonly theirs: Line | null;
  /** What of ours a line names that is missing here: it was done more than once. */
  readonly again: Entry | null;
}

export type Verdict = 'AGREES' | 'UNDER_WAY' | 'STRANGER' | DifferenceKind;

/**
 * How far a processor's clock, and a request on its way there, may be from our own time of asking. Lines of so long before
 * and after a stretch are read with it: what was asked just before midnight is booked after it.
 */
export const MARGIN_MS = 5 * 60_000;

/**
 * What we changed so recently may differ because the two sides were not read at one moment, or because a notification is
 * on its way. It is under way, and no difference.
 */
export const GRACE_MS = 10 * 60_000;

/** Where money is: what failed and what was called off come to the same, and so does what was never made. */
type Standing = 'TAKEN' | 'HELD' | 'AWAITED' | 'NOTHING' | 'UNKNOWN';

function standingOf(state: Entry['state']): Standing {
  switch (state) {
    case 'SUCCEEDED':
      return 'TAKEN';
    case 'AUTHORIZED':
      return 'HELD';
    case 'PENDING':
      return 'AWAITED';
    case 'FAILED':
    case 'CANCELED':
      return 'NOTHING';
    case 'UNKNOWN':
      return 'UNKNOWN';
    default:
      return unreachable(state);
  }
}

interface Reading {
  readonly standing: Standing;
  readonly amount: bigint;
}

/** Everything that agrees with an entry: more than one thing where some of it was taken back. */
function readingsOf({ state, amount, reversed, held }: Entry): readonly Reading[] {
  const standing = standingOf(state);
  if (standing !== 'TAKEN' || reversed === 0n) return [{ standing, amount }];
  const left = amount - reversed;
  // Of a capture in part that was taken back there is nothing left but the authorisation.
  const rest: Reading = held > 0n ? { standing: 'HELD', amount: held } : { standing: 'NOTHING', amount: left };
  return [{ standing, amount }, left > 0n ? { standing, amount: left } : rest];
}

/** What is to be said of an entry and the line that is of the same thing, or of one that the other side does not have. */
export function judge(ours: Entry | undefined, theirs: Line | undefined, asOf: Date): Verdict {
  if (ours === undefined) {
    if (theirs === undefined) return 'AGREES';
    return theirs.key === null ? 'STRANGER' : 'MISSING_HERE';
  }
  const verdict = theirs === undefined ? judgeMissing(ours) : judgePair(ours, theirs);
  if (verdict === 'AGREES') return verdict;
  const isFresh = ours.changedAt.getTime() > asOf.getTime() - GRACE_MS;
  return isFresh ? 'UNDER_WAY' : verdict;
}

/** What we are still waiting for may never have been made; what came to nothing need not be on anyone's books. */
function judgeMissing(ours: Entry): Verdict {
  const standings = readingsOf(ours).map(({ standing }) => standing);
  if (standings.includes('NOTHING')) return 'AGREES';
  return standings.some((standing) => standing === 'TAKEN' || standing === 'HELD') ? 'MISSING_THERE' : 'UNDER_WAY';
}

function judgePair(ours: Entry, theirs: Line): Verdict {
  if (ours.currency !== theirs.currency) return 'OTHER_CURRENCY';
  const theirStanding = standingOf(theirs.state);
  const fitting = readingsOf(ours).filter(({ standing }) => standing === theirStanding);
  if (fitting.length === 0) {
    return ours.state === 'UNKNOWN' && theirStanding === 'AWAITED' ? 'UNDER_WAY' : 'OTHER_STATE';
  }
  // How much it is that did not come about is all the same.
  if (theirStanding === 'NOTHING' || fitting.some(({ amount }) => amount === theirs.amount)) return 'AGREES';
  return 'OTHER_AMOUNT';
}

const counted = (): Record<'agreeing' | 'differing' | 'underWay' | 'strangers', number> => ({
  agreeing: 0,
  differing: 0,
  underWay: 0,
  strangers: 0,
});

export type Counts = Readonly<ReturnType<typeof counted>>;

/**
 * The comparison of one stretch. It is given every line of the statement, of a margin before and after the stretch too, in
 * any order and in any number of parts, each with the entries that it may be of; then every entry of the stretch. It
 * remembers the ids of the stretch's entries, and nothing else.
 */
export class Comparison {
  readonly counts = counted();
  readonly #stretch: Stretch;
  /** The reference of the line that was found for an entry, by the entry's id. */
  readonly #found = new Map<string, string>();

  constructor(stretch: Stretch) {
    this.#stretch = stretch;
  }

  /** Lines, and the entries of any time with their keys or references. */
  takeLines(lines: readonly Line[], entries: readonly Entry[]): Difference[] {
    const byKey = new Map(entries.map((entry) => [`${entry.kind} ${entry.key}`, entry]));
    const byReference = new Map(entries.map((entry) => [`${entry.kind} ${entry.reference ?? ''}`, entry]));
    return lines.flatMap((line) => {
      const named = byReference.get(`${line.kind} ${line.reference}`) ?? byKey.get(`${line.kind} ${line.key ?? ''}`);
      const isSame = named !== undefined && this.#isSame(named, line);
      if (isSame && this.#isWithin(named.askedAt)) this.#found.set(named.id, line.reference);
      // Another stretch reports what is only in the margin of this one.
      if (!this.#isWithin(line.createdAt)) return [];
      const ours = isSame ? named : undefined;
      return this.#report(ours, line, named !== undefined && !isSame ? named : null);
    });
  }

  /** Entries of the stretch: those whose line has not been seen are missing there. */
  takeEntries(entries: readonly Entry[]): Difference[] {
    return entries.flatMap((entry) =>
      this.#isWithin(entry.askedAt) && !this.#found.has(entry.id) ? this.#report(entry, undefined, null) : [],
    );
  }

  /** One entry is of one line: with a second one under the same key, the processor did it twice. */
  #isSame(entry: Entry, line: Line): boolean {
    const known = entry.reference ?? this.#found.get(entry.id) ?? line.reference;
    return known === line.reference;
  }

  #isWithin(at: Date): boolean {
    return at >= this.#stretch.from && at < this.#stretch.until;
  }

  #report(ours: Entry | undefined, theirs: Line | undefined, again: Entry | null): Difference[] {
    const verdict = judge(ours, theirs, this.#stretch.asOf);
    switch (verdict) {
      case 'AGREES':
        this.counts.agreeing++;
        return [];
      case 'UNDER_WAY':
        this.counts.underWay++;
        return [];
      case 'STRANGER':
        this.counts.strangers++;
        return [];
      case 'MISSING_HERE':
      case 'MISSING_THERE':
      case 'OTHER_AMOUNT':
      case 'OTHER_CURRENCY':
      case 'OTHER_STATE':
        this.counts.differing++;
        return [{ kind: verdict, ours: ours ?? null, theirs: theirs ?? null, again }];
      default:
        return unreachable(verdict);
    }
  }
}
