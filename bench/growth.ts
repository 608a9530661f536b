import { inTurn, median, ratios, serverContender, type Contender, type Turns, type Windows } from './measure.ts';
import { ourPage, ourPayment } from './queries.ts';
import { somePayments } from './reads.ts';
import type { Seeded, Stage } from './scene.ts';
import { startGateway, type Server } from './servers.ts';
import { cpuOf, type Line } from './table.ts';
import { creator } from './writes.ts';

/** The same gateway on a database with few payments and on one with many, in turns. */

const READERS = 16;
const WRITERS = 64;

interface Scene {
  readonly stage: Stage;
  readonly few: Seeded;
  readonly many: Seeded;
  readonly turns: Turns;
  readonly say: (text: string) => void;
}

export async function measureGrowth({ stage, few, many, turns, say }: Scene): Promise<Line[]> {
  const servers: Server[] = [];
  try {
    for (const { connection, key } of [few, many]) servers.push(await startGateway(connection, key));
    const [onFew, onMany] = servers as [Server, Server];
    const reader = (server: Server, bodies: readonly string[]): Contender =>
      serverContender(stage.client, {
        pid: server.pid,
        postmaster: stage.postmaster,
        load: { target: server.target, atOnce: READERS, bodies, expected: '"data":{"' },
      });
    const page = [ourPage(20)];
    const [fewIds, manyIds] = [await somePayments(few), await somePayments(many)];
    // Writes come last: what they make is what a page of the newest would show.
    const workloads = {
      R1: { few: reader(onFew, page), many: reader(onMany, page) },
      R3: { few: reader(onFew, fewIds.map(ourPayment)), many: reader(onMany, manyIds.map(ourPayment)) },
      W1: { few: creator(stage, onFew, WRITERS), many: creator(stage, onMany, WRITERS) },
    };
    const lines: Line[] = [];
    for (const [name, contenders] of Object.entries(workloads)) {
      say(`growth: ${name} on ${count(few)} and on ${count(many)} payments`);
      lines.push(lineOf(`growth: ${name} on ${count(many)} payments`, few, await inTurn(contenders, turns)));
    }
    return lines;
  } finally {
    await Promise.all(servers.map((server) => server.end()));
  }
}

/** How many times as long it takes on many as on few. */
function lineOf(workload: string, small: Seeded, { few, many }: Record<'few' | 'many', Windows>): Line {
  return {
    workload,
    against: `itself on ${count(small)}, in time`,
    figure: 'per second',
    ours: median(many.map(({ perSecond }) => perSecond)),
    peers: median(few.map(({ perSecond }) => perSecond)),
    values: ratios(few, many, 'perSecond'),
    goal: { atMost: 1.2 },
    cpu: { ours: cpuOf(many), peers: cpuOf(few) },
  };
}

function count({ payments }: Seeded): string {
  return payments.toLocaleString('en');
}
