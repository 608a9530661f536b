import type { Notification, Pool, PoolClient } from 'pg';

interface ListeningOptions {
  readonly pool: Pool;
  readonly channel: string;
  /**
   * Called for every notification with what it carries, and with nothing once the connection was made anew: there may have
   * been some meanwhile.
   */
  readonly onWake: (payload?: string) => void;
  readonly onError: (error: Error) => void;
  /** How often the connection is asked whether it still is one, and how long the server has to answer. */
  readonly heartbeatMs?: number | undefined;
}

const DEFAULT_HEARTBEAT_MS = 5_000;
/** The connection is made anew after this, and after twice as long each time that it could not be. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;

/**
 * The one connection of a process that listens to a channel. One that is lost is made anew, whether it was closed or only
 * says nothing any more: after a network's fault, a connection on which nothing is sent looks whole for hours.
 */
export class Listening {
  readonly #options: ListeningOptions;
  readonly #heartbeatMs: number;
  #client: PoolClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #stopped = false;

  constructor(options: ListeningOptions) {
    this.#options = options;
    this.#heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
  }

  readonly #heard = ({ payload }: Notification): void => this.#options.onWake(payload);

  /** @throws if there is no connection to begin with */
  async start(): Promise<void> {
    const client = await this.#options.pool.connect();
    client.on('notification', this.#heard);
    try {
      await this.#ask(client);
    } catch (error) {
      this.#drop(client);
      throw error;
    }
    if (this.#stopped) {
      this.#drop(client);
      return;
    }
    this.#client = client;
    this.#failures = 0;
    client.once('end', () => this.#lose(client));
    this.#beatLater(client);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (this.#client !== undefined) this.#drop(this.#client);
    this.#client = undefined;
  }

  /** Where it listens already, it only has the server answer. */
  async #ask(client: PoolClient): Promise<void> {
    const question = { text: `LISTEN ${this.#options.channel}`, query_timeout: this.#heartbeatMs };
    await client.query(question);
  }

  #beatLater(client: PoolClient): void {
    const beat = async (): Promise<void> => {
      try {
        await this.#ask(client);
        if (this.#client === client) this.#beatLater(client);
      } catch {
        this.#lose(client);
      }
    };
    this.#timer = setTimeout(() => void beat(), this.#heartbeatMs).unref();
  }

  #lose(client: PoolClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#drop(client);
    this.#startLater();
  }

  #drop(client: PoolClient): void {
    client.removeListener('notification', this.#heard);
    client.release(true);
  }

  #startLater(): void {
    clearTimeout(this.#timer);
    // Not all at once: the gateways of a server that restarts have lost theirs in the same moment.
    const waitMs = Math.min(RETRY_MS * 2 ** this.#failures, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
    this.#failures++;
    this.#timer = setTimeout(() => void this.#startAgain(), waitMs).unref();
  }

  async #startAgain(): Promise<void> {
    try {
      await this.start();
      this.#options.onWake();
    } catch (error) {
      if (this.#stopped) return;
      this.#options.onError(error as Error);
      this.#startLater();
    }
  }
}
