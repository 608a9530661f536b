import type { Gateway } from '../payments/gateway.ts';
import {
  claimDueDeliveries,
  deleteOldDeliveries,
  deleteOldEndpoints,
  endUnwantedDeliveries,
} from '../store/webhook-queue.ts';
import { deliver, type Transport } from './deliver-webhook.ts';

/** Requests that one process has under way. */
const UNDER_WAY_MAX = 256;
/** An endpoint with so many under way is passed by. */
const ENOUGH_OF_ONE = 8;
/** An endpoint is given this part of the room that is left: however many hang, there is some for others. */
const SHARE = 1 / 32;
/** Longer than an attempt can take: another process does not make the same one. */
const LEASE_MS = 60_000;
/** Rows that one statement ends or deletes: it holds their locks until it ends. */
const BATCH = 1_000;
/** How long a delivery can be read after it is over. */
const KEPT_MS = 30 * 24 * 3_600_000;

/**
 * Makes the deliveries that are due. Unlike other rounds, this one does not wait for what it has begun: a receiver may take
 * its time, and the next round has room for the others.
 */
export class WebhookCourier {
  readonly #gateway: Gateway;
  readonly #transport: Omit<Transport, 'stopping'>;
  readonly #stopping = new AbortController();
  /** By endpoint. */
  readonly #underWay = new Map<string, Set<Promise<void>>>();
  #round: Promise<void> | undefined;
  #isWanted = false;

  constructor(gateway: Gateway, transport: Omit<Transport, 'stopping'>) {
    this.#gateway = gateway;
    this.#transport = transport;
  }

  /** Begins what is due, as far as there is room. Calls at once share a round, and the one after it. */
  run(): Promise<void> {
    this.#isWanted = true;
    this.#round ??= this.#rounds().finally(() => (this.#round = undefined));
    return this.#round;
  }

  /** Breaks off what is under way, which is tried again by whoever runs then. Settles when nothing is left of it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#round?.catch(() => 'it was told to whoever began it');
    await Promise.all([...this.#underWay.values()].flatMap((each) => [...each]));
  }

  async #rounds(): Promise<void> {
    while (this.#isWanted && !this.#stopping.signal.aborted) {
      this.#isWanted = false;
      while ((await endUnwantedDeliveries(this.#gateway.database, BATCH)) === BATCH);
      await this.#beginDue();
    }
  }

  async #beginDue(): Promise<void> {
    for (;;) {
      const room = this.#room();
      if (room === 0 || this.#stopping.signal.aborted) return;
      const enough = this.#enoughOfOne();
      const busy = [...this.#underWay].filter(([, { size }]) => size >= enough);
      const claimed = await claimDueDeliveries(this.#gateway.database, {
        // Half of it at a time: what the others are given depends on what is left.
        limit: Math.ceil(room / 2),
        limitEach: enough,
        except: busy.map(([endpointId]) => endpointId),
        leaseMs: LEASE_MS,
      });
      if (claimed.length === 0) return;
      for (const delivery of claimed) this.#begin(delivery);
    }
  }

  #begin(claimed: Parameters<typeof deliver>[1]): void {
    const { endpointId } = claimed;
    const ofEndpoint = this.#underWay.get(endpointId) ?? new Set();
    this.#underWay.set(endpointId, ofEndpoint);
    const work = deliver(this.#gateway, claimed, { ...this.#transport, stopping: this.#stopping.signal })
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        // More may wait that was passed by for want of room.
        const wasPassedBy = ofEndpoint.size >= this.#enoughOfOne();
        ofEndpoint.delete(work);
        if (ofEndpoint.size === 0) this.#underWay.delete(endpointId);
        if (wasPassedBy) this.run().catch((error: unknown) => this.#report(error));
      });
    ofEndpoint.add(work);
  }

  /** How many of one endpoint may be under way, as things stand: it is fewer the less room there is. */
  #enoughOfOne(): number {
    return Math.max(1, Math.min(ENOUGH_OF_ONE, Math.floor(this.#room() * SHARE)));
  }

  #room(): number {
    const sizes = [...this.#underWay.values()].map(({ size }) => size);
    return UNDER_WAY_MAX - sizes.reduce((sum, size) => sum + size, 0);
  }

  #report(error: unknown): void {
    this.#gateway.report('a webhook could not be handled; it is tried again', {
      error: error instanceof Error ? error.name : 'unknown',
    });
  }
}

/** Deletes deliveries that were over for 30 days, and then the endpoints that were deleted. @returns how many deliveries */
export async function forgetDeliveries({ database }: Gateway): Promise<number> {
  let deleted = 0;
  for (;;) {
    const count = await deleteOldDeliveries(database, { limit: BATCH, keptMs: KEPT_MS });
    deleted += count;
    if (count < BATCH) break;
  }
  await deleteOldEndpoints(database, KEPT_MS);
  return deleted;
}
