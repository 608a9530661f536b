import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../src/new-id.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { openDatabase } from '../../src/store/database.ts';
import { readBooks, type Books, type Discrepancy } from './books.ts';
import { Client } from './client.ts';
import { compare } from './compare.ts';
import { RestartableDatabase, type Shutdown } from './database.ts';
import type { Plant } from './faulty-processor.ts';
import { SANDBOX_TIMES } from './gateway-timing.ts';
import { GatewayProcess } from './gateway-process.ts';
import { Inbox } from './inbox.ts';
import { LateCalls } from './late-calls.ts';
import { readLeftovers } from './leftover.ts';
import { Memory } from './memory.ts';
import { Merchant } from './merchant.ts';
import { Random } from './random.ts';

export interface FaultRunOptions {
  readonly seed: number;
  /** How long the gateways are up in all; starting them comes on top. */
  readonly seconds: number;
  readonly kills: number;
  readonly databaseRestarts: number;
  /** How long what is open may take to settle. */
  readonly settleMs: number;
  readonly merchants: number;
  readonly plant: Plant | undefined;
  /** Where the gateways log. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

/** What happened, and what was found. */
export interface FaultRunResult {
  readonly durationMs: number;
  readonly settledMs: number;
  readonly kills: number;
  readonly starts: number;
  readonly databaseRestarts: readonly Shutdown[];
  readonly faults: ReadonlyMap<string, number>;
  /** Calls that took effect later than the gateway has to reckon with: what they did is no fault of its. */
  readonly overruns: number;
  readonly memory: Memory;
  readonly books: Books;
  readonly discrepancies: readonly Discrepancy[];
}

const PROGRESS_MS = 10_000;
const SETTLED_LOOK_MS = 500;
const LOOK_MS = 10;
const START_MS = 60_000;
/** How often time is let pass for webhooks that failed. */
const HASTEN_MS = 1_000;
/** Longer than the last repeated notification or slow answer can be on its way. */
const STILL_ON_THEIR_WAY_MS = 2_000;
/** After the database is back, a gateway that found it away may still be about to end. */
const GRACE_MS = 3_000;

/** One run, from an empty database to the comparison of the books. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRunResult> {
  const run = new FaultRun(options, await RestartableDatabase.start());
  try {
    return await run.run();
  } finally {
    await run.end();
  }
}

class FaultRun {
  readonly #options: FaultRunOptions;
  readonly #database: RestartableDatabase;
  readonly #gateways: readonly GatewayProcess[];
  readonly #lateCalls: LateCalls;
  readonly #random: Random;
  readonly #inbox: Inbox;
  readonly #memory = new Memory();
  readonly #faults = new Map<string, number>();
  readonly #ends: Discrepancy[] = [];
  readonly #restarts: Shutdown[] = [];
  readonly #startedAt = performance.now();
  #databaseBackAt = 0;
  #overruns = 0;
  #kills = 0;
  #starts = 0;

  constructor(options: FaultRunOptions, database: RestartableDatabase) {
    this.#options = options;
    this.#database = database;
    this.#random = new Random(options.seed);
    // Of its own: a seed makes the same faults as it did before there was an inbox.
    this.#inbox = new Inbox(new Random(options.seed + 1));
    this.#lateCalls = new LateCalls(database.pool, SANDBOX_TIMES);
    const secret = randomBytes(32).toString('base64url');
    const seeds = this.#random.fork();
    this.#gateways = ['gateway-1', 'gateway-2'].map(
      (name) =>
        new GatewayProcess({
          name,
          directory: options.directory,
          start: () => {
            this.#starts++;
            const seed = seeds.integer(0, 2 ** 32 - 1);
            return { type: 'start', database: database.connection, secret, seed, plant: options.plant };
          },
          onMessage: (message) => {
            if (message.type === 'fault') this.#faults.set(message.fault, (this.#faults.get(message.fault) ?? 0) + 1);
            if (message.type === 'late call') this.#lateCalls.add(message.late, message.inMs);
            if (message.type === 'overrun') this.#overruns++;
          },
          mayFail: () => !database.isUp || performance.now() < this.#databaseBackAt + GRACE_MS,
          onUnexpectedEnd: (text) =>
            this.#ends.push({ rule: 'a gateway lives until it is ended', paymentId: null, text }),
        }),
    );
  }

  async run(): Promise<FaultRunResult> {
    const apiKey = await this.#openAccount();
    for (const gateway of this.#gateways) gateway.start();
    await this.#allReady();
    await this.#inbox.open(this.#gateways[0] as GatewayProcess, apiKey);
    const hastening = setInterval(() => void this.#inbox.hasten(this.#database.pool), HASTEN_MS);
    const progress = setInterval(() => this.#options.say(this.#progress()), PROGRESS_MS);
    try {
      await this.#load(apiKey);
      this.#options.say(`${this.#progress()}; no more faults from here on`);
      for (const gateway of this.#gateways) gateway.calm();
      this.#inbox.calm();
      const settlingAt = performance.now();
      const leftovers = await this.#settle();
      const settledMs = performance.now() - settlingAt;
      for (const gateway of this.#gateways) await gateway.stop();
      const books = { ...(await readBooks(this.#database.pool)), messages: this.#inbox.messages };
      return {
        durationMs: performance.now() - this.#startedAt,
        settledMs,
        kills: this.#kills,
        starts: this.#starts,
        databaseRestarts: this.#restarts,
        faults: this.#faults,
        overruns: this.#overruns,
        memory: this.#memory,
        books,
        discrepancies: [...this.#ends, ...leftovers, ...compare(this.#memory, books)],
      };
    } finally {
      clearInterval(progress);
      clearInterval(hastening);
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.stop()));
    this.#inbox.close();
    await this.#database.stop();
  }

  async #openAccount(): Promise<string> {
    const database = openDatabase(this.#database.connection, { onError: throwOn, poolSize: 1 });
    try {
      const { test } = await addAccount(database, { name: 'The shop of the fault run', newId });
      return await addKey(database, { id: newId(), environment: test, name: 'fault run' });
    } finally {
      await database.close();
    }
  }

  /** Merchants work while processes die; each carries its last request to an answer. */
  async #load(apiKey: string): Promise<void> {
    const stopping = new AbortController();
    const random = this.#random.fork();
    const working = Array.from({ length: this.#options.merchants }, (_, index) => {
      const shared = { gateways: this.#gateways, apiKey, memory: this.#memory };
      const client = new Client({ ...shared, name: `merchant-${index + 1}`, random: random.fork() });
      return new Merchant(client, random.fork()).work(stopping.signal);
    });
    const all = Promise.all(working);
    const disturb = async (): Promise<void> => {
      try {
        await this.#disturb(this.#random.fork());
      } finally {
        stopping.abort();
      }
    };
    await Promise.all([all, disturb()]);
  }

  /** Kills gateways and restarts the database at random moments. */
  async #disturb(random: Random): Promise<void> {
    const { seconds, kills, databaseRestarts } = this.#options;
    const meanMs = (seconds * 1_000) / kills;
    const restartAfter = Array.from({ length: databaseRestarts }, (_, index) =>
      Math.round((kills * (index + 1)) / (databaseRestarts + 1)),
    );
    let restarting = Promise.resolve();
    while (this.#kills < kills) {
      // Mostly both are up again, so that there is work to disturb; sometimes one dies while the other is starting.
      if (random.chance(0.8)) await this.#allReady();
      await delay(meanMs * (0.3 + 1.4 * random.next()));
      const victim = await this.#oneReady(random);
      victim.kill();
      this.#kills++;
      if (!restartAfter.includes(this.#kills)) continue;
      await restarting;
      restarting = this.#restartDatabase();
    }
    await restarting;
    await delay(meanMs);
  }

  async #allReady(): Promise<void> {
    await until(() => this.#gateways.every((gateway) => gateway.isReady));
  }

  /** One of the gateways that are up, at random. */
  async #oneReady(random: Random): Promise<GatewayProcess> {
    await until(() => this.#gateways.some((gateway) => gateway.isReady));
    return random.pick(this.#gateways.filter((gateway) => gateway.isReady));
  }

  async #restartDatabase(): Promise<void> {
    const shutdown = this.#restarts.length % 2 === 0 ? 'SIGQUIT' : 'SIGINT';
    this.#restarts.push(shutdown);
    await this.#database.restart(shutdown);
    this.#databaseBackAt = performance.now();
  }

  /** Waits until nothing is open on either side. @returns what still is when the time is over */
  async #settle(): Promise<Discrepancy[]> {
    const endAt = performance.now() + this.#options.settleMs;
    await this.#lateCalls.settled();
    await delay(STILL_ON_THEIR_WAY_MS);
    for (;;) {
      const leftovers = await readLeftovers(this.#database.pool);
      if (leftovers.length === 0 || performance.now() > endAt) return leftovers;
      await delay(SETTLED_LOOK_MS);
    }
  }

  #progress(): string {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1_000);
    const faults = [...this.#faults.values()].reduce((total, count) => total + count, 0);
    return `${seconds} s: ${this.#memory.requests.length} operations, ${faults} faults, ${this.#kills} kills`;
  }
}

/** @throws if it does not come true: then the gateways cannot start any more */
async function until(condition: () => boolean): Promise<void> {
  const endAt = performance.now() + START_MS;
  while (!condition()) {
    if (performance.now() > endAt) throw new Error(`the gateways were not up within ${START_MS} ms`);
    await delay(LOOK_MS);
  }
}

function throwOn(error: Error): never {
  throw error;
}
