import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initializedDirectory, temporaryPlace } from '../postgres/places.ts';
import {
  programsIn,
  signalGroup,
  spawnGateway,
  startGateway,
  takePayment,
  until,
  untilNoPostgres,
} from './gateway-process.ts';

test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends the gateway and its database', async (signal) => {
  const TENDER_DATA_DIR = await initializedDirectory();
  const gateway = await startGateway({ TENDER_DATA_DIR });
  expect(programsIn(TENDER_DATA_DIR)).toHaveLength(1);
  gateway.child.kill(signal);
  expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' });
  expect(programsIn(TENDER_DATA_DIR)).toEqual([]);
  expect(existsSync(join(TENDER_DATA_DIR, 'data', 'postmaster.pid'))).toBe(false);
});

test('Ctrl-C in a terminal, which reaches the whole process group, ends both in order', async () => {
  const TENDER_DATA_DIR = await initializedDirectory();
  const gateway = await startGateway({ TENDER_DATA_DIR });
  await takePayment(gateway);
  signalGroup(gateway, 'SIGINT');
  expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' });
  expect(programsIn(TENDER_DATA_DIR)).toEqual([]);
  // It was shut down, not cut off: the next start has nothing to recover.
  expect(await startGateway({ TENDER_DATA_DIR }).then(({ stdout }) => stdout())).not.toMatch(/left behind|recover/);
});

test('an open subscription holds the end up for some seconds at most', async () => {
  const gateway = await startGateway({ TENDER_DATA_DIR: await initializedDirectory() });
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.key}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({ query: 'subscription { paymentEvents { type } }' }),
  });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  gateway.child.kill('SIGINT');
  expect(await gateway.ended).toMatchObject({ code: 0 });
  await response.text().catch(() => {});
});

test('Ctrl-C while the database is being made leaves nothing behind', async () => {
  const directory = join(temporaryPlace(), 'tender');
  const gateway = spawnGateway({ TENDER_DATA_DIR: directory });
  await until(() => existsSync(directory) && readdirSync(directory).some((name) => name.startsWith('initdb-')));
  signalGroup(gateway, 'SIGINT');
  const { code, stdout } = await gateway.ended;
  expect(code).toBe(130);
  expect(stdout).not.toContain('Tender is up');
  await untilNoPostgres(directory);
  expect(await takePayment(await startGateway({ TENDER_DATA_DIR: directory }))).toMatchObject({ status: 'SUCCEEDED' });
});

test.for(['SIGINT', 'SIGTERM'] as const)('%s while the database starts leaves nothing behind', async (signal) => {
  const directory = await initializedDirectory();
  const gateway = spawnGateway({ TENDER_DATA_DIR: directory });
  await until(() => existsSync(join(directory, 'data', 'postmaster.pid')));
  signalGroup(gateway, signal);
  const { code, stdout } = await gateway.ended;
  expect(code).toBe(130);
  expect(stdout).not.toContain('Tender is up');
  await untilNoPostgres(directory);
});

test('a second signal ends it at once', async () => {
  const directory = await initializedDirectory();
  const gateway = await startGateway({ TENDER_DATA_DIR: directory });
  // An open stream keeps the first one busy.
  const controller = new AbortController();
  await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.key}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({ query: 'subscription { paymentEvents { type } }' }),
    signal: controller.signal,
  });
  gateway.child.kill('SIGINT');
  await refused(gateway.url);
  gateway.child.kill('SIGINT');
  expect(await gateway.ended).toMatchObject({ code: 130 });
  await untilNoPostgres(directory);
});

/** Waits until a gateway takes no more connections. */
async function refused(url: string): Promise<void> {
  for (;;) {
    try {
      await (await fetch(`${url}/livez`, { headers: { connection: 'close' } })).text();
    } catch {
      return;
    }
  }
}
