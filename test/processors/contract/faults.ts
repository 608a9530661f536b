import { expect, test } from 'vitest';
import { AMOUNT, CAPTURED, HELD, NOTHING, type Fault, type Money } from './bench.ts';
import type { Dealings, MovementName } from './dealings.ts';

/*
 * Whatever goes wrong with a call: its answer never says what is not so, a look finds the truth, also before a request
 * that was held up has arrived, and whoever then does as the gateway does has moved the money once.
 */

const HALF = 400n;

const DONE: Readonly<Record<MovementName, Money>> = {
  capture: { ...CAPTURED, captured: HALF },
  void: NOTHING,
  refund: { ...CAPTURED, refunded: HALF },
};

export function testFaults(open: () => Dealings, faults: readonly Fault[]): void {
  test.each(faults.filter(({ operation }) => operation === 'charge'))('a charge: $name', async (fault) => {
    const dealings = open();
    const request = await dealings.request('approved');
    const made = await dealings.ask(request, fault.arrange());
    expect(['approved', 'unknown', 'not_sent']).toContain(made.outcome.kind);
    const looked = await dealings.lookUp(made);
    expect(['approved', 'not_found', 'not_sent']).toContain(looked.kind);
    // What is certain is so, and what a late arrival might still do, it cannot.
    await dealings.bench.mend();
    expect(await dealings.money(made)).toEqual(looked.kind === 'approved' ? CAPTURED : NOTHING);
    if (made.outcome.kind === 'approved' || made.outcome.kind === 'not_sent') {
      expect(looked.kind === 'approved').toBe(made.outcome.kind === 'approved');
    }
    expect(await dealings.lookUp(made)).toEqual(looked);
    if (looked.kind === 'approved') return;
    // It fails as not executed, and the payer tries again: another attempt, under another key.
    const again = await dealings.charge('approved', { paymentId: request.paymentId });
    expect(again.outcome).toMatchObject({ kind: 'approved' });
    expect(await dealings.money(made, again)).toEqual(CAPTURED);
  });

  const movements = faults.flatMap((fault) =>
    fault.operation === 'charge' ? [] : [{ ...fault, operation: fault.operation }],
  );
  test.each(movements)('a $operation: $name', async ({ operation: name, arrange }) => {
    const dealings = open();
    const made = name === 'refund' ? await dealings.charge('approved') : await dealings.authorize('approved');
    const before = name === 'refund' ? CAPTURED : HELD;
    const moved = await dealings.move(name, made, name === 'void' ? AMOUNT : HALF, arrange());
    expect(['succeeded', 'unknown', 'not_sent']).toContain(moved.outcome.kind);
    if (moved.outcome.kind === 'not_sent') expect(await dealings.money(made)).toEqual(before);
    const looked = await dealings.lookUpMovement(moved);
    expect(['succeeded', 'not_found']).toContain(looked.kind);
    await dealings.bench.mend();
    // Not found: the gateway sends it again, under the key that it always had. It may have arrived in the meantime.
    if (looked.kind === 'not_found') {
      expect((await dealings.send(name, moved.request)).outcome).toMatchObject({ kind: 'succeeded' });
    }
    expect(await dealings.money(made)).toEqual(DONE[name]);
    expect(await dealings.lookUpMovement(moved)).toMatchObject({ kind: 'succeeded' });
  });
}
