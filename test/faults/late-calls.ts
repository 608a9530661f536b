import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { unreachable } from '../../src/domain/result.ts';
import { SandboxBooks } from '../../src/processors/sandbox/books.ts';
import { Sandbox } from '../../src/processors/sandbox/sandbox.ts';
import type { LateCall } from './faulty-processor.ts';

/** Calls between a gateway and the sandbox: they arrive even if the gateway that made them has been killed since. */
export class LateCalls {
  readonly #sandbox: Sandbox;
  readonly #underWay = new Set<Promise<void>>();

  constructor(pool: Pool, { delayMs, settlementMs }: { readonly delayMs: number; readonly settlementMs: number }) {
    this.#sandbox = new Sandbox(new SandboxBooks(pool, { settlementMs }), { delayMs });
  }

  add(late: LateCall, inMs: number): void {
    const arrival = this.#arrive(late, inMs);
    this.#underWay.add(arrival);
    void arrival.then(() => this.#underWay.delete(arrival));
  }

  /** Waits until none is on its way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #arrive(late: LateCall, inMs: number): Promise<void> {
    await delay(inMs);
    // Without its database the sandbox does nothing: then the call was lost on its way.
    await this.#perform(late).catch(() => {});
  }

  async #perform(late: LateCall): Promise<unknown> {
    switch (late.call) {
      case 'charge':
        return this.#sandbox.charge(late.request);
      case 'capture':
        return this.#sandbox.capture(late.request);
      case 'void':
        return this.#sandbox.void(late.request);
      case 'refund':
        return this.#sandbox.refund(late.request);
      default:
        return unreachable(late);
    }
  }
}
