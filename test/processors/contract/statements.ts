import { expect, test } from 'vitest';
import type { StatementLine } from '../../../src/processors/port.ts';
import { AMOUNT, CURRENCY, MERCHANT } from './bench.ts';
import { soon, type Dealings } from './dealings.ts';

/** What every connector tells of its processor's books, for reconciliation. */

const HOUR_MS = 3_600_000;
const HALF = 400n;

/** So many milliseconds from now. */
const at = (ms: number): Date => new Date(Date.now() + ms);

export function testStatements(open: () => Dealings): void {
  const lines = async (fromMs: number, untilMs: number): Promise<StatementLine[]> => {
    return Array.fromAsync(open().bench.processor.statement(at(fromMs), at(untilMs), soon(), MERCHANT));
  };

  test('a statement has each charge and refund once, with its key and what came of it', async () => {
    const captured = await open().charge('approved');
    const part = await open().authorize('approved');
    await open().move('capture', part, HALF);
    const held = await open().authorize('approved');
    const declined = await open().charge('lost_card');
    const waiting = await open().charge('challenged');
    const voided = await open().authorize('approved');
    await open().move('void', voided);
    const refund = await open().move('refund', captured, HALF);
    const told = await lines(-HOUR_MS, HOUR_MS);
    for (const [kind, { request, ...made }, state, amount] of [
      ['CHARGE', captured, 'SUCCEEDED', AMOUNT],
      ['CHARGE', part, 'SUCCEEDED', HALF],
      ['CHARGE', held, 'AUTHORIZED', AMOUNT],
      ['CHARGE', declined, 'FAILED', AMOUNT],
      ['CHARGE', waiting, 'PENDING', AMOUNT],
      ['CHARGE', voided, 'CANCELED', AMOUNT],
      ['REFUND', refund, 'SUCCEEDED', HALF],
    ] as const) {
      const reference = 'reference' in made.outcome ? made.outcome.reference : null;
      const own = { kind, reference, key: request.key, state, amount, currency: CURRENCY };
      expect(told.filter(({ key }) => key === request.key)).toEqual([{ ...own, createdAt: expect.any(Date) }]);
    }
  });

  test('a statement has nothing of another time', async () => {
    await open().charge('approved');
    expect(await lines(-2 * HOUR_MS, -HOUR_MS)).toEqual([]);
    expect(await lines(HOUR_MS, 2 * HOUR_MS)).toEqual([]);
  });

  test('a refund that comes to nothing is on the statement as that', async () => {
    const made = await open().charge('refund_fails_later');
    const refund = await open().move('refund', made);
    await open().bench.elapse();
    const told = (await lines(-HOUR_MS, HOUR_MS)).filter(({ key }) => key === refund.request.key);
    expect(told).toMatchObject([{ kind: 'REFUND', state: 'FAILED' }]);
  });
}
