import { afterAll, beforeAll, describe } from 'vitest';
import { testCharges, testMovements } from './behaviours.ts';
import type { ContractBench, Fault } from './bench.ts';
import { Dealings } from './dealings.ts';
import { testFaults } from './faults.ts';
import { testStatements } from './statements.ts';
import { SandboxBench } from './sandbox-bench.ts';
import { StripeBench } from './stripe-bench.ts';

interface Connector {
  readonly name: string;
  readonly bench: () => ContractBench;
  readonly faults: readonly Fault[];
  readonly open: () => Promise<void>;
  readonly close: () => Promise<void>;
}

function sandbox(): Connector {
  let bench: SandboxBench | undefined;
  const opened = (): SandboxBench => bench ?? closed();
  return {
    name: 'the sandbox',
    bench: opened,
    faults: SandboxBench.faults(opened),
    open: async () => void (bench = await SandboxBench.open()),
    close: () => opened().close(),
  };
}

function stripe(): Connector {
  const bench = new StripeBench();
  return {
    name: 'Stripe, at the stand-in',
    bench: () => bench,
    faults: StripeBench.faults(() => bench),
    open: async () => void (await bench.start()),
    close: () => bench.standIn.stop(),
  };
}

function closed(): never {
  throw new Error('the bench is asked for before it was opened');
}

describe.each([sandbox(), stripe()])('$name', ({ bench, faults, open, close }) => {
  const dealings = (): Dealings => new Dealings(bench());
  beforeAll(open);
  afterAll(close);
  testCharges(dealings);
  testMovements(dealings);
  testStatements(dealings);
  testFaults(dealings, faults);
});
