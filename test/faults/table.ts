import type { FaultRunOptions, FaultRunResult } from './fault-run.ts';

/** What the run tells in the end, line by line. */
export function tableOf({ seed, plant }: FaultRunOptions, result: FaultRunResult): string {
  const { memory, books, faults } = result;
  const answers = memory.requests.flatMap((request) => request.answers);
  const operations = books.payments.flatMap((file) => file.operations);
  const attempts = books.payments.flatMap((file) => file.attempts);
  const flagged = (flag: string): number => attempts.filter((attempt) => attempt.flag === flag).length;
  const resolved = operations.filter(({ inquiries, status }) => inquiries > 0 && status === 'COMPLETED');
  const rows: [string, string | number][] = [
    ['seed', seed],
    ['seconds', Math.round(result.durationMs / 1_000)],
    ['  of them to settle', Math.round(result.settledMs / 1_000)],
    ...(plant === undefined ? [] : [['planted', plant] as [string, string]]),
    ['operations', memory.requests.length],
    ...indented(tally(memory.requests.map(({ mutation }) => mutation))),
    ['answers', answers.length],
    ...indented(tally(answers.map((answer) => (answer.accepted ? 'accepted' : answer.code)))),
    ['  of them replayed', answers.filter((answer) => answer.accepted && answer.replayed).length],
    ['requests', memory.counts.sent],
    ['  without an answer', memory.counts.lost],
    ['  with an internal error', memory.counts.internalErrors],
    ['  while the first was running', memory.counts.inProgress],
    ['  to both gateways at once', memory.counts.twins],
    ['  sent again after the answer', memory.counts.resent],
    ['kills', result.kills],
    ['gateway starts', result.starts],
    ['PostgreSQL restarts', result.databaseRestarts.map((signal) => NAMES[signal]).join(', ') || 0],
    ['faults', [...faults.values()].reduce((total, count) => total + count, 0)],
    ...indented(faults),
    ['unknown outcomes resolved', resolved.length],
    ...indented(tally(resolved.map(({ kind }) => kind))),
    ['late successes adopted', flagged('LATE_SUCCESS_ADOPTED')],
    ['late successes returned', flagged('LATE_SUCCESS_RETURNED')],
    ['sent back by the bank, and raised for an operator', flagged('LATE_SUCCESS_RETURNING')],
    ['payments', books.payments.length],
    ...indented(tally(books.payments.map(({ payment }) => payment.status))),
    ['attempts', attempts.length],
    ['refunds', books.payments.flatMap((file) => file.refunds).length],
    ['events', books.payments.flatMap((file) => file.events).length],
    ['webhooks', books.messages.length],
    ['  taken', books.messages.filter(({ isTaken }) => isTaken).length],
    ['discrepancies', result.discrepancies.length],
    ...indented(tally(result.discrepancies.map(({ rule }) => rule))),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, value]) => `${name.padEnd(width)}${value}`).join('\n');
}

const NAMES = { SIGINT: 'fast', SIGQUIT: 'immediate' } as const;

function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function indented(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => [`  ${name}`, count]);
}
