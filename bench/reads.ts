import { deepStrictEqual } from 'node:assert';
import { inTurn, median, ratios, serverContender, type Contender, type Turns, type Windows } from './measure.ts';
import {
  OUR_CURSORS,
  ourPage,
  ourPageAfter,
  ourPayment,
  peerPage,
  peerPayment,
  readCursors,
  readOurs,
  readPeers,
} from './queries.ts';
import { query, type Seeded, type Stage } from './scene.ts';
import { installPeers, startByHand, startGateway, startPostGraphile, type Server } from './servers.ts';
import { cpuOf, type Goal, type Line } from './table.ts';

/**
 * R1, R2 and R3: the gateway beside PostGraphile 5 on the same database, and R1 beside the work of hands. R1 and R2 ask for the
 * same page again and again, which the gateway answers once for those who ask at the same time; `pages` asks for another.
 */
export const READS = ['R1', 'pages', 'R2', 'R3'] as const;
export type Read = (typeof READS)[number];

interface Workload {
  readonly what: string;
  /** What each is asked, in turns. */
  readonly ours: readonly string[];
  readonly peers: readonly string[];
  /** What the peer is asked for the answers to be compared, if that is not what it is asked under measurement. */
  readonly alike?: readonly string[];
  readonly goal: Goal;
  readonly goalByHand?: Goal;
}

const AT_ONCE = 16;
/** R3 asks for so many different payments, which are all over the table. */
const PAYMENTS = 2_000;

export async function measureReads(
  names: readonly Read[],
  { stage, seeded, turns, say }: { stage: Stage; seeded: Seeded; turns: Turns; say: (text: string) => void },
): Promise<Line[]> {
  installPeers(say);
  const servers: Server[] = [];
  try {
    const started = async (starting: Promise<Server>): Promise<Server> => {
      const server = await starting;
      servers.push(server);
      return server;
    };
    const gateway = await started(startGateway(seeded.connection, seeded.key));
    const peer = await started(startPostGraphile(seeded.connection));
    const byHand = await started(startByHand(seeded.connection, seeded.environmentId));
    const cursors = readCursors(await stage.client.ask('ask', { target: gateway.target, body: OUR_CURSORS }));
    const workloads = workloadsOf(seeded.environmentId, { ids: await somePayments(seeded), cursors });
    const lines: Line[] = [];
    for (const name of names) {
      const { what, ours, peers, alike = peers, goal, goalByHand } = workloads[name];
      await checkSame(stage, name === 'pages' ? { gateway, peer } : { gateway, peer, byHand }, { ours, peers: alike });
      say(`${name}: ${what}`);
      const contender = (server: Server, bodies: readonly string[]): Contender =>
        serverContender(stage.client, {
          pid: server.pid,
          postmaster: stage.postmaster,
          load: { target: server.target, atOnce: AT_ONCE, bodies, expected: '"data":{"' },
        });
      const contenders: Record<string, Contender> = { gateway: contender(gateway, ours), peer: contender(peer, peers) };
      if (goalByHand !== undefined) contenders['byHand'] = contender(byHand, ours);
      const windows = await inTurn(contenders, turns);
      const line = (against: string, other: string, asked: Goal): Line =>
        lineOf(`${name}: ${what}`, against, windows['gateway'] ?? [], windows[other] ?? [], asked);
      lines.push(line('PostGraphile 5', 'peer', goal));
      if (goalByHand !== undefined) lines.push(line('SQL and JSON by hand', 'byHand', goalByHand));
    }
    return lines;
  } finally {
    await Promise.all(servers.map((server) => server.end()));
  }
}

function workloadsOf(
  environmentId: string,
  { ids, cursors }: { readonly ids: readonly string[]; readonly cursors: readonly string[] },
): Record<Read, Workload> {
  return {
    R1: {
      what: 'a page of 20 payments with customer, attempts, refunds',
      ours: [ourPage(20)],
      peers: [peerPage(environmentId, 20)],
      goal: { atLeast: 2 },
      goalByHand: { atLeast: 0.65 },
    },
    pages: {
      what: 'a page of 20, each another one',
      ours: cursors.map((cursor) => ourPageAfter(cursor, 20)),
      // As a list it has other pages by their offset only, and what it skips costs it as much as what it answers.
      peers: [peerPage(environmentId, 20)],
      alike: cursors.map((_, at) => peerPage(environmentId, 20, at + 1)),
      goal: { atLeast: 2 },
    },
    R2: {
      what: 'a page of 100',
      ours: [ourPage(100)],
      peers: [peerPage(environmentId, 100)],
      goal: { atLeast: 2.5 },
    },
    R3: {
      what: 'one payment',
      ours: ids.map(ourPayment),
      peers: ids.map((id) => peerPayment(environmentId, id)),
      goal: { atLeast: 1.3 },
    },
  };
}

/** Everybody who is measured answers the same payments, with the same of each. @throws if not */
async function checkSame(
  { client }: Stage,
  { gateway, peer, byHand }: Readonly<Record<'gateway' | 'peer', Server>> & { readonly byHand?: Server },
  { ours, peers }: Pick<Workload, 'ours' | 'peers'>,
): Promise<void> {
  for (const [index, body] of ours.slice(0, 10).entries()) {
    const own = readOurs(await client.ask('ask', { target: gateway.target, body }));
    deepStrictEqual(readPeers(await client.ask('ask', { target: peer.target, body: peers[index] ?? '' })), own);
    if (byHand !== undefined) deepStrictEqual(readOurs(await client.ask('ask', { target: byHand.target, body })), own);
  }
}

function lineOf(workload: string, against: string, ours: Windows, peers: Windows, goal: Goal): Line {
  return {
    workload,
    against,
    figure: 'per second',
    ours: median(ours.map(({ perSecond }) => perSecond)),
    peers: median(peers.map(({ perSecond }) => perSecond)),
    values: ratios(ours, peers, 'perSecond'),
    goal,
    cpu: { ours: cpuOf(ours), peers: cpuOf(peers) },
  };
}

/** Payments from all over the table, in no order. */
export async function somePayments({ connection, environmentId }: Seeded): Promise<string[]> {
  const rows = await query<{ id: string }>(
    connection,
    `SELECT id::text FROM payment WHERE environment_id = '${environmentId}' ORDER BY md5(id::text) LIMIT ${PAYMENTS}`,
  );
  return rows.map(({ id }) => id);
}
