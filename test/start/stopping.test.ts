import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
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
  expect(programsIn(TENDER_DATA_DIR)).not.toEqual([]);
  gateway.child.kill(signal);
  expect(await gateway.ended).toMatchObject({ code: 0 });
  expect(programsIn(TENDER_DATA_DIR)).toEqual([]);
  expect(existsSync(join(TENDER_DATA_DIR, 'data', 'postmaster.pid'))).toBe(false);
});

test('Ctrl-C in a terminal, which reaches the whole process group and once more by npm, ends both in order', async () => {
  const TENDER_DATA_DIR = await initializedDirectory();
  const gateway = await startGateway({ TENDER_DATA_DIR });
  await takePayment(gateway);
  signalGroup(gateway, 'SIGINT');
  gateway.child.kill('SIGINT');
  expect(await gateway.ended).toMatchObject({ code: 0 });
  expect(programsIn(TENDER_DATA_DIR)).toEqual([]);
  // It was shut down, not cut off: the next start has nothing to recover.
  const next = await startGateway({ TENDER_DATA_DIR });
  expect(next.stderr()).not.toMatch(/left behind|recovers/);
  expect(readFileSync(join(TENDER_DATA_DIR, 'postgres.log'), 'utf8')).not.toMatch(/not properly shut down/);
});

test('an open subscription does not hold up the end', async () => {
  const gateway = await startGateway({ TENDER_DATA_DIR: await initializedDirectory() });
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.key}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({ query: 'subscription { paymentEvents { cursor } }' }),
  });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const read = response.text();
  gateway.child.kill('SIGINT');
  // Not as if there were nothing more to come.
  expect(await read).toMatch(/"extensions":{"code":"SERVER_STOPPING","cursor":"evc_.*\n\nevent: complete\n/);
  expect(await gateway.ended).toMatchObject({ code: 0 });
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

test('whoever goes on pressing Ctrl-C does not have to wait', async () => {
  const directory = await initializedDirectory();
  const gateway = await startGateway({ TENDER_DATA_DIR: directory });
  // Half a request keeps the first signal waiting.
  const { hostname, port } = new URL(gateway.url);
  const caller = connect(Number(port), hostname);
  caller.on('error', () => {});
  caller.write('POST /graphql HTTP/1.1\r\nhost: tender\r\ncontent-length: 100\r\n\r\n{');
  await takePayment(gateway);
  gateway.child.kill('SIGINT');
  await until(() => !gateway.child.kill('SIGINT'));
  expect(await gateway.ended).toMatchObject({ code: 130 });
  caller.destroy();
  await untilNoPostgres(directory);
});
