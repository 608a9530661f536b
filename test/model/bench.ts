import { onTestFinished } from 'vitest';
import type { Processor } from '../../src/processors/port.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { DELAY_MS } from './shop.ts';

/** Short times: what is lost on the way is to be found again soon. */
const OPTIONS = {
  sandbox: { delayMs: DELAY_MS, limits: { callTimeoutMs: 300, inFlightWindowMs: 100 } },
  settings: { recoveryDelayMs: 50 },
};

/** A gateway, and what stands between it and the sandbox. */
export interface Subject {
  readonly gateway: TestGateway;
  readonly interposed: Interposed;
}

/** A fault that a test plants: in the processor, or in the gateway's database. */
export interface Plant {
  readonly processor?: (sandbox: Processor) => Parameters<Interposed['use']>[0];
  readonly statement?: string;
}

/** Keeps one gateway for many runs. After a run that failed it takes a new one: the next run has nothing of it. */
export class Bench {
  readonly #plant: Plant;
  #subject: Promise<Subject> | undefined;

  /** It is cleared when the test ends that made it. */
  constructor(plant: Plant = {}) {
    this.#plant = plant;
    onTestFinished(() => this.clear());
  }

  subject(): Promise<Subject> {
    this.#subject ??= start(this.#plant);
    return this.#subject;
  }

  async clear(): Promise<void> {
    const subject = this.#subject;
    this.#subject = undefined;
    await (await subject)?.gateway.close();
  }
}

async function start({ processor: plant, statement }: Plant): Promise<Subject> {
  const interposed = new Interposed();
  const planted = new Interposed();
  const interpose = {
    processor(sandbox: Processor) {
      planted.use(plant?.(sandbox) ?? {});
      return interposed.processor(planted.processor(sandbox));
    },
    receive: interposed.receive.bind(interposed),
  };
  const gateway = await startGateway({ ...OPTIONS, sandbox: { ...OPTIONS.sandbox, interpose } });
  if (statement !== undefined) await gateway.app.gateway.database.pool.query(statement);
  return { gateway, interposed };
}
