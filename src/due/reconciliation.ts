import { dayBefore, dayOf } from '../domain/day.ts';
import type { Gateway } from '../payments/gateway.ts';
import { RUN_LEASE_MS, runReconciliation } from '../payments/reconcile.ts';
import { planDay } from '../payments/reconcile-day.ts';
import { claimDueRun } from '../store/reconciliation.ts';

/** After midnight, what was asked for before it is left to come to its end. */
const AFTER_MIDNIGHT_MS = 3_600_000;

/**
 * Compares each day, when it is over, with the books of every processor, and whatever else somebody wants to be compared:
 * one at a time in each process.
 */
export class Bookkeeper {
  readonly #gateway: Gateway;
  /** The day that was put down last: of a day that is put down again, nothing comes. */
  #planned: string | undefined;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** @param stopping breaks off what is under way: it is taken up again by whoever runs then */
  async run(stopping: AbortSignal): Promise<void> {
    await this.#planYesterday();
    while (!stopping.aborted) {
      const run = await claimDueRun(this.#gateway.database, { leaseMs: RUN_LEASE_MS });
      if (run === undefined) return;
      const errand = { requestId: this.#gateway.newId(), round: 'reconciliation' };
      await this.#gateway.telemetry.errand(errand, 'reconciliation', () =>
        runReconciliation(this.#gateway, run, { stopping }),
      );
    }
  }

  async #planYesterday(): Promise<void> {
    const day = dayBefore(dayOf(new Date(this.#gateway.now().getTime() - AFTER_MIDNIGHT_MS)));
    if (day === this.#planned) return;
    await planDay(this.#gateway, day);
    this.#planned = day;
  }
}
