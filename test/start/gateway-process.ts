import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { stopOrphan } from '../../src/postgres/orphan.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** How long something on a busy machine may take. It ends a hang, and measures nothing. */
const PATIENCE_MS = 45_000;

/** A gateway that runs as `npm start` runs it. */
export interface GatewayProcess {
  readonly child: ChildProcess;
  /** What it has written to stdout so far. */
  readonly stdout: () => string;
  /** The same of stderr, where its log goes. */
  readonly stderr: () => string;
  /** Settles when it has ended and everything that it wrote is here. */
  readonly ended: Promise<Ending>;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One that is up, with what its console shows. */
export interface UpGateway extends GatewayProcess {
  /** http://127.0.0.1:4000 */
  readonly url: string;
  /** The demo key; empty where there is none. */
  readonly key: string;
}

/** Starts a gateway with these variables and no others of its kind, and ends it with the test. */
export function spawnGateway(variables: Record<string, string>): GatewayProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [MAIN], {
    // No load balancer has to notice its end.
    env: { PATH, HOME, PORT: '0', TENDER_DRAIN_SECONDS: '0', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Leads a process group of its own, as a command in a terminal does.
    detached: true,
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text.stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text.stderr += part));
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, ...text }));
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
    const directory = variables['TENDER_DATA_DIR'];
    if (directory !== undefined) await stopOrphan(join(directory, 'data'), () => {});
  });
  return { child, stdout: () => text.stdout, stderr: () => text.stderr, ended };
}

/** Waits until it has greeted. */
export async function untilUp(gateway: GatewayProcess): Promise<UpGateway> {
  let ending: Ending | undefined;
  void gateway.ended.then((it) => (ending = it));
  await until(() => ending !== undefined || gateway.stdout().includes('Ctrl-C ends'));
  if (ending !== undefined) throw new Error(`the gateway ended: ${JSON.stringify(ending)}`);
  const text = gateway.stdout();
  return {
    ...gateway,
    url: /http:\S+(?=\/graphql)/.exec(text)?.[0] ?? '',
    key: /sk_test_[\w-]+/.exec(text)?.[0] ?? '',
  };
}

export function startGateway(variables: Record<string, string>): Promise<UpGateway> {
  return untilUp(spawnGateway(variables));
}

/** Sends a signal to a gateway's whole process group, as Ctrl-C in a terminal does. */
export function signalGroup({ child }: GatewayProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) throw new Error('the gateway never ran');
  process.kill(-child.pid, signal);
}

export async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { timeout: PATIENCE_MS, interval: 10 });
}

/** Waits until no program of PostgreSQL's works in a data directory. */
export async function untilNoPostgres(directory: string): Promise<void> {
  await vi.waitFor(() => expect(programsIn(directory)).toEqual([]), { timeout: PATIENCE_MS, interval: 20 });
}

/** The command lines of the programs that were started on a data directory. */
export function programsIn(directory: string): string[] {
  return commandLines().filter((line) => line.includes(`${directory}/`));
}

function commandLines(): string[] {
  if (process.platform !== 'linux') {
    return execFileSync('ps', ['-axww', '-o', 'command='], { encoding: 'utf8' }).split('\n');
  }
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // It has ended meanwhile.
    }
  });
}

export interface PaymentSeen {
  readonly id: string;
  readonly status: string;
}

const TAKE = `mutation ($input: CreatePaymentInput!) {
  createPayment(input: $input) {
    ... on CreatePaymentPayload { payment { id status } }
    ... on Error { code message }
  }
}`;

/** Takes a payment of one euro. */
export async function takePayment(gateway: { readonly url: string; readonly key: string }): Promise<PaymentSeen> {
  const input = {
    idempotencyKey: crypto.randomUUID(),
    amount: 100,
    currency: 'EUR',
    process: true,
    card: { number: '4242424242424242', expMonth: 12, expYear: new Date().getUTCFullYear() + 1, cvc: '123' },
  };
  const data = await ask<{ createPayment: { payment?: PaymentSeen } }>(gateway, TAKE, { input });
  const { payment } = data.createPayment;
  if (payment === undefined) throw new Error(`no payment: ${JSON.stringify(data)}`);
  return payment;
}

export async function findPayment(
  gateway: { readonly url: string; readonly key: string },
  id: string,
): Promise<PaymentSeen | null> {
  const query = 'query ($id: ID!) { payment(id: $id) { id status } }';
  return (await ask<{ payment: PaymentSeen | null }>(gateway, query, { id })).payment;
}

/** The address of a payment's receipt. */
export async function receiptUrl(gateway: { readonly url: string; readonly key: string }, id: string): Promise<string> {
  const query = 'query ($id: ID!) { payment(id: $id) { receiptUrl } }';
  return (await ask<{ payment: { receiptUrl: string } }>(gateway, query, { id })).payment.receiptUrl;
}

async function ask<Data>(
  { url, key }: { readonly url: string; readonly key: string },
  query: string,
  variables: object,
): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: unknown };
  if (data === undefined || errors !== undefined) throw new Error(`HTTP ${response.status}: ${JSON.stringify(errors)}`);
  return data;
}
