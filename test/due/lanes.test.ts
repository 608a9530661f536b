import { expect, test } from 'vitest';
import { runLanes, type LaneWork } from '../../src/due/lanes.ts';
import { Telemetry } from '../../src/telemetry.ts';
import type { Stop } from '../../src/due/rounds.ts';
import { until } from '../harness/until.ts';

interface Piece {
  readonly lane: string;
  readonly run: () => Promise<void>;
}

/** A queue in memory, that is claimed from in its order. */
class Queue {
  readonly waiting: Piece[] = [];
  readonly reports: unknown[] = [];
  readonly handedBack: Piece[] = [];
  underWay = 0;
  onClaim = (): void => undefined;

  async run(stop?: Stop): Promise<void> {
    const work: LaneWork<Piece> = {
      name: 'a test',
      claim: (limit, except) => {
        const claimed = this.waiting.filter(({ lane }) => !except.includes(lane)).slice(0, limit);
        this.onClaim();
        for (const piece of claimed) this.waiting.splice(this.waiting.indexOf(piece), 1);
        return Promise.resolve(claimed);
      },
      handBack: (pieces) => {
        this.handedBack.push(...pieces);
        return Promise.resolve();
      },
      laneOf: ({ lane }) => lane,
      run: async (piece) => {
        this.underWay++;
        await piece.run().finally(() => this.underWay--);
      },
    };
    const report = (...said: unknown[]): void => void this.reports.push(said);
    await runLanes({ report, telemetry: new Telemetry(), newId: () => 'an errand' }, work, stop);
  }
}

function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { wait: () => promise, open: resolve };
}

const done = () => Promise.resolve();

test('twenty lanes that hang, with long queues, leave room for another', async () => {
  const queue = new Queue();
  const hung = gate();
  for (let lane = 0; lane < 20; lane++) {
    for (let count = 0; count < 50; count++) queue.waiting.push({ lane: `slow ${lane}`, run: hung.wait });
  }
  const round = queue.run();
  await until(() => queue.underWay > 100);
  const quick = gate();
  queue.waiting.push({
    lane: 'quick',
    run: () => {
      quick.open();
      return done();
    },
  });
  await quick.wait();
  expect(queue.underWay).toBeLessThanOrEqual(200);
  hung.open();
  await round;
  expect(queue.waiting).toEqual([]);
});

test('what fails is told, and keeps nothing else from being done', async () => {
  const queue = new Queue();
  let count = 0;
  queue.waiting.push(
    { lane: 'a', run: () => Promise.reject(new RangeError('with a secret in it')) },
    ...Array.from({ length: 30 }, () => ({
      lane: 'a',
      run: () => {
        count++;
        return done();
      },
    })),
  );
  await expect(queue.run()).rejects.toThrow('1 of what was due failed');
  expect(count).toBe(30);
  expect(queue.reports).toEqual([[expect.any(String), { name: 'a test', error: 'RangeError' }]]);
});

/** A round that can be stopped, and then given up. */
function stoppable() {
  const [stopping, givingUp] = [new AbortController(), new AbortController()];
  const stop: Stop = { stopping: stopping.signal, givingUp: givingUp.signal };
  return { stop, stopping, givingUp };
}

test('stopped, it begins nothing more and ends with what was begun', async () => {
  const queue = new Queue();
  const { stop, stopping } = stoppable();
  const hung = gate();
  queue.waiting.push({ lane: 'a', run: hung.wait });
  let isOver = false;
  const round = queue.run(stop).then(() => (isOver = true));
  await until(() => queue.underWay === 1);
  stopping.abort();
  queue.waiting.push({ lane: 'b', run: done });
  expect(isOver).toBe(false);
  hung.open();
  await round;
  expect(queue.waiting).toHaveLength(1);
  expect(queue.handedBack).toEqual([]);
});

test('stopped while it claims, it hands back what it was given', async () => {
  const queue = new Queue();
  const { stop, stopping } = stoppable();
  queue.onClaim = () => stopping.abort();
  const piece = { lane: 'a', run: done };
  queue.waiting.push(piece);
  await queue.run(stop);
  expect(queue.handedBack).toEqual([piece]);
});

test('given up, it hands back what has not ended, and waits no longer', async () => {
  const queue = new Queue();
  const { stop, stopping, givingUp } = stoppable();
  const [hung, slow] = [gate(), gate()];
  const pieces = [
    { lane: 'a', run: hung.wait },
    { lane: 'b', run: slow.wait },
  ] as const;
  queue.waiting.push(...pieces);
  const round = queue.run(stop);
  await until(() => queue.underWay === 2);
  stopping.abort();
  slow.open();
  await until(() => queue.underWay === 1);
  givingUp.abort();
  await round;
  expect(queue.handedBack).toEqual([pieces[0]]);
  hung.open();
});
