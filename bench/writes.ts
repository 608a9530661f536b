import {
  inTurn,
  median,
  ratios,
  serverContender,
  type Contender,
  type Sample,
  type Turns,
  type Windows,
} from './measure.ts';
import { unreachable } from '../src/domain/result.ts';
import { UNIQUE } from './load.ts';
import { BATCHES_MAX, installPgbench, runPgbench, type Batch, type Done, type Run } from './pgbench.ts';
import { openAccount, query, type Seeded, type Stage } from './scene.ts';
import { GOOD_CARD, card } from './seed/templates.ts';
import { startGateway, type Server } from './servers.ts';
import { cpuOf, type Line } from './table.ts';

/** W1 and refunds: the gateway beside pgbench, which runs the statements of the same protocol one after another. */
export const WRITES = ['W1', 'refunds'] as const;
export type Write = (typeof WRITES)[number];

interface Scene {
  readonly stage: Stage;
  readonly seeded: Seeded;
  readonly turns: Turns;
  readonly say: (text: string) => void;
}

const MANY = 64;
const FEW = 16;
/** In a turn, for each of those that are at it at once. */
const REFUNDS_EACH = 30;
/** In which pgbench's clients connect and prepare their statements. */
const BEGINNING_MAX_SECONDS = 60;

const CREATE = `mutation($input: CreatePaymentInput!) { createPayment(input: $input) {
  __typename ... on CreatePaymentPayload { payment { id status } } ... on Error { message } } }`;
const REFUND = `mutation($input: RefundPaymentInput!) { refundPayment(input: $input) {
  __typename ... on RefundPaymentPayload { refund { id status } } ... on Error { message } } }`;

export async function measureWrites(name: Write, scene: Scene): Promise<Line[]> {
  installPgbench(scene.say);
  const { stage, seeded } = scene;
  const gateway = await startGateway(seeded.connection, seeded.key);
  try {
    // An environment of pgbench's own: what it makes is no payment of the others.
    const { environmentId } = await openAccount(seeded.connection);
    const work = new PgbenchWork(stage, seeded, environmentId);
    switch (name) {
      case 'W1':
        return await measureCreating(scene, gateway, work);
      case 'refunds':
        return [await measureRefunds(scene, gateway, work)];
      default:
        return unreachable(name);
    }
  } finally {
    await gateway.end();
  }
}

async function measureCreating({ stage, turns, say }: Scene, gateway: Server, work: PgbenchWork): Promise<Line[]> {
  const contenders = (atOnce: number): Record<'gateway' | 'pgbench', Contender> => ({
    gateway: creator(stage, gateway, atOnce),
    pgbench: (seconds) => work.create(atOnce, seconds),
  });
  say(`W1: createPayment, ${MANY} at a time`);
  const many = await inTurn(contenders(MANY), turns);
  say(`W1: createPayment, ${FEW} at a time`);
  const few = await inTurn(contenders(FEW), turns);
  return [
    lineOf(`W1: createPayment(process: true), ${MANY} at a time`, many, 'perSecond', { atLeast: 2 }),
    lineOf(`W1: the same, ${FEW} at a time`, few, 'p99Ms', { atMost: 2 }),
  ];
}

/** The gateway, asked for payments at once, each with a key and a card of its own. */
export function creator({ client, postmaster }: Stage, { pid, target }: Server, atOnce: number): Contender {
  const input = { idempotencyKey: UNIQUE, amount: 4999, currency: 'EUR', process: true, card: card(GOOD_CARD) };
  const bodies = [JSON.stringify({ query: CREATE, variables: { input } })];
  return serverContender(client, {
    pid,
    postmaster,
    load: { target, atOnce, bodies, expected: '"status":"SUCCEEDED"' },
  });
}

/** Every payment is refunded once: each window takes the next of those that can be. Both refund what was made last. */
async function measureRefunds({ stage, seeded, turns, say }: Scene, gateway: Server, work: PgbenchWork): Promise<Line> {
  say(`refunds: ${MANY} at a time, each of another payment`);
  const rows = await query<{ id: string }>(
    seeded.connection,
    `SELECT id::text FROM payment WHERE environment_id = '${seeded.environmentId}' AND status = 'SUCCEEDED'
     AND refund_status = 'NONE' ORDER BY created_at DESC, id DESC LIMIT 50000`,
  );
  const bodies = rows.map(({ id }) => {
    const input = { idempotencyKey: UNIQUE, paymentId: `pay_${id}`, amount: 1, reason: 'returned' };
    return JSON.stringify({ query: REFUND, variables: { input } });
  });
  const batch = await work.prepareRefunds(MANY, REFUNDS_EACH * (turns.turns + 1));
  const windows = await inTurn(
    {
      gateway: async () => {
        const next = bodies.splice(0, REFUNDS_EACH * MANY);
        return serverContender(stage.client, {
          pid: gateway.pid,
          postmaster: stage.postmaster,
          load: { target: gateway.target, atOnce: MANY, bodies: next, expected: '"status":"SUCCEEDED"' },
        })('once');
      },
      pgbench: () => work.refund(batch, REFUNDS_EACH),
    },
    turns,
  );
  return lineOf(`refunds: ${MANY} at once on different payments`, windows, 'perSecond', { atLeast: 2 });
}

/** What pgbench has done so far, so that nothing is done twice. */
class PgbenchWork {
  readonly #stage: Stage;
  readonly #seeded: Seeded;
  readonly #environmentId: string;
  readonly #refunded = new Map<Batch, number>();
  #batches = 0;
  #beginningSeconds = 1;

  constructor(stage: Stage, seeded: Seeded, environmentId: string) {
    this.#stage = stage;
    this.#seeded = seeded;
    this.#environmentId = environmentId;
  }

  /** Lets all clients work for so long, and for as long before as it takes until all of them do. */
  async create(clients: number, seconds: number): Promise<Sample> {
    for (; this.#beginningSeconds < BEGINNING_MAX_SECONDS; this.#beginningSeconds *= 2) {
      const length = { seconds: seconds + this.#beginningSeconds };
      const done = await this.#run({ script: 'createPayment', batch: this.#newBatch(clients), from: 0, length });
      if (done !== undefined && done.seconds >= seconds / 2) return done;
    }
    throw new Error(`pgbench's ${clients} clients were not at work after ${BEGINNING_MAX_SECONDS} seconds`);
  }

  /** Makes payments that can be refunded, so many for each client. */
  async prepareRefunds(clients: number, each: number): Promise<Batch> {
    const batch = this.#newBatch(clients);
    await this.#run({ script: 'createPayment', batch, from: 0, length: { each } });
    return batch;
  }

  async refund(batch: Batch, each: number): Promise<Sample> {
    const from = this.#refunded.get(batch) ?? 0;
    this.#refunded.set(batch, from + each);
    const done = await this.#run({ script: 'refundPayment', batch, from, length: { each } });
    if (done === undefined) throw new Error('no refund was made while all clients of pgbench were at it');
    return done;
  }

  #newBatch(clients: number): Batch {
    const number = this.#batches++;
    if (number >= BATCHES_MAX) throw new Error(`pgbench has no more than ${BATCHES_MAX} windows: take fewer --turns`);
    return { environmentId: this.#environmentId, clients, madeAt: new Date(), number };
  }

  #run(run: Run): Promise<Done | undefined> {
    return runPgbench(this.#seeded.connection, this.#stage.postmaster, run);
  }
}

function lineOf(
  workload: string,
  { gateway, pgbench }: Record<'gateway' | 'pgbench', Windows>,
  figure: 'perSecond' | 'p99Ms',
  goal: Line['goal'],
): Line {
  return {
    workload,
    against: 'pgbench, one statement after another',
    figure: figure === 'perSecond' ? 'per second' : 'p99 ms',
    ours: median(gateway.map((sample) => sample[figure])),
    peers: median(pgbench.map((sample) => sample[figure])),
    values: ratios(gateway, pgbench, figure),
    goal,
    cpu: { ours: cpuOf(gateway), peers: cpuOf(pgbench) },
  };
}
