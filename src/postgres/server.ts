import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { explainHidden, runAs, type ServerAccount } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { Connection } from './connection.ts';
import { PORT } from './directories.ts';
import { ServerStartError } from './errors.ts';
import { DATABASE } from './initialization.ts';
import { shutDown } from './shutdown.ts';

/** A postgres process that this process started and that takes connections. */
export interface Server {
  readonly connection: Connection;
  /** Settles when postgres has ended, by stop() or of itself. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

interface ServerOptions {
  readonly directory: string;
  readonly socketDirectory: string;
  readonly binaries: Binaries;
  readonly account: ServerAccount | undefined;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // An open transaction anywhere holds back the readers of the event log.
  transaction_timeout: '60s',
  // What the server itself has to say, and no client's errors: those hold rows, which may hold
  // personal data, and anyone who can cause errors could fill the disk with them.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
};

const POLL_MS = 10;
const SLOW_START_MS = 3_000;

/** How long processes of a killed postgres may go on using its shared memory. */
const LINGERING_MS = 10_000;

/**
 * Starts postgres on an initialized directory that this process has locked, and waits until the
 * database takes connections, however long it needs to recover.
 *
 * @throws ServerStartError when postgres ends meanwhile or refuses us; nothing is left running.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const deadline = performance.now() + LINGERING_MS;
  for (;;) {
    const postgres = new PostgresProcess(options);
    try {
      await waitUntilReady(postgres, options);
      return postgres;
    } catch (error) {
      await postgres.stop();
      const lingering = /pre-existing shared memory block/.test(readLog(options.directory));
      if (!lingering || performance.now() > deadline) throw error;
      await delay(POLL_MS * 10);
    }
  }
}

class PostgresProcess implements Server {
  readonly connection: Connection;
  readonly exited: Promise<void>;
  #child: ChildProcess;
  #failure: Error | undefined;

  constructor(options: ServerOptions) {
    this.connection = {
      host: options.socketDirectory,
      port: PORT,
      user: DATABASE,
      password: options.password,
      database: DATABASE,
    };
    this.#child = spawnPostgres(options);
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', (error) => {
        this.#failure = error;
        resolve();
      });
    });
    // The server must not keep a gateway alive that has nothing else to do, nor outlive one that
    // ends without having been asked to. (Against kill -9 there is the next start.)
    this.#child.unref();
    process.on('exit', this.#interrupt);
    void this.exited.then(() => process.off('exit', this.#interrupt));
  }

  get hasExited(): boolean {
    return this.#failure !== undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  async stop(): Promise<void> {
    if (this.#child.pid !== undefined) await shutDown(this.#child.pid, () => this.hasExited);
  }

  #interrupt = (): void => {
    this.#child.kill('SIGINT');
  };
}

function spawnPostgres({ directory, socketDirectory, binaries, account, settings }: ServerOptions): ChildProcess {
  const all = {
    ...SETTINGS,
    port: String(PORT),
    unix_socket_directories: `"${socketDirectory}"`,
    ...settings,
  };
  const parameters = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const output = openSync(logPath(directory), 'w', 0o600);
  try {
    return spawn(binaries.postgres, ['-D', join(directory, 'data'), ...parameters], {
      ...runAs(account),
      // Ctrl-C in a terminal goes to the whole process group; PostgreSQL has to outlive the
      // gateway's own graceful stop.
      detached: true,
      stdio: ['ignore', output, output],
    });
  } finally {
    closeSync(output);
  }
}

async function waitUntilReady(postgres: PostgresProcess, options: ServerOptions): Promise<void> {
  const slowAt = performance.now() + SLOW_START_MS;
  let told = false;
  for (;;) {
    if (postgres.hasExited) throw startError(postgres, options);
    const outcome = await tryToConnect(postgres.connection, 'SELECT 1');
    if (outcome === undefined) return;
    if (outcome.code === '3D000') {
      // Missing on the first start only: initdb makes a cluster without it.
      const failure = await tryToConnect(
        { ...postgres.connection, database: 'postgres' },
        `CREATE DATABASE ${DATABASE}`,
      );
      if (failure !== undefined)
        throw new ServerStartError(`Cannot create the database: ${failure.message}`, { cause: failure });
    } else if (isStarting(outcome)) {
      if (!told && performance.now() > slowAt) {
        told = true;
        options.log('PostgreSQL is still starting; after a crash it first recovers what was committed');
      }
      await delay(POLL_MS);
    } else {
      throw new ServerStartError(`The embedded PostgreSQL refuses the gateway: ${outcome.message}`, {
        cause: outcome,
      });
    }
  }
}

/** Runs one statement on a connection of its own, and returns what went wrong. */
async function tryToConnect(
  connection: Connection,
  statement: string,
): Promise<(Error & { code?: string }) | undefined> {
  const client = new Client(connection);
  // A connection that breaks also reports through its promises.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(statement);
    return undefined;
  } catch (error) {
    return error as Error & { code?: string };
  } finally {
    await client.end().catch(() => {});
  }
}

function isStarting(error: { code?: string; message: string }): boolean {
  // No socket yet, nobody listens yet, still starting up (57P03), or it ended and the loop will see.
  const codes = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P03', '57P01'];
  return codes.includes(error.code ?? '') || /Connection terminated/.test(error.message);
}

function startError(postgres: PostgresProcess, { directory, account }: ServerOptions): ServerStartError {
  const hint = explainHidden(directory, account);
  if (postgres.failure !== undefined) {
    return new ServerStartError(`Cannot run PostgreSQL: ${postgres.failure.message}${hint}`, {
      cause: postgres.failure,
    });
  }
  const lines = readLog(directory).trim().split('\n');
  // Clients that came too early, ourselves among them, cause FATAL lines too.
  const line =
    lines.findLast((candidate) => /(FATAL|PANIC): +(?!the database system is)/.test(candidate)) ?? lines.at(-1) ?? '';
  const reason = line.replace(/^.*?(FATAL|PANIC): +/, '');
  return new ServerStartError(`PostgreSQL ended while it started: ${reason}${hint} (log: ${logPath(directory)})`);
}

function logPath(directory: string): string {
  return join(directory, 'postgres.log');
}

function readLog(directory: string): string {
  return readFileSync(logPath(directory), 'utf8');
}
