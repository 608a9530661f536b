import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { FollowEventsSubscription } from '../../generated/examples/graphql.ts';
import { EventsDocument } from '../../generated/operations/graphql.ts';
import { encodeCursor } from '../../src/domain/event-cursor.ts';
import { tillAt } from '../harness/crash-process.ts';
import { useGateway, type TestGateway } from '../harness/gateway.ts';
import { countListeners } from '../harness/listeners.ts';
import { Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';
import { initializedDirectory, temporaryPlace } from '../postgres/places.ts';
import { startGateway, until as untilInTime } from './gateway-process.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'examples', 'consume-events', 'main.ts');

type Event = NonNullable<FollowEventsSubscription['paymentEvents']['event']>;

const listeners = countListeners();
const gateway = useGateway();
/** Nothing is kept for its feed. */
const forgetful = useGateway({ settings: { eventRetentionMs: 1 } });

interface Consumer {
  /** The events that it has written so far. */
  readonly events: () => Event[];
  readonly stderr: () => string;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  kill(): Promise<void>;
}

/** Starts the example in a process of its own, which ends with the test. */
function startConsumer(at: { readonly url: string; readonly key: string }, cursorFile: string): Consumer {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH, HOME, TENDER_URL: at.url, TENDER_KEY: at.key, CURSOR_FILE: cursorFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text.stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text.stderr += part));
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code));
  });
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return {
    events: () => {
      const lines = text.stdout.split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as Event);
    },
    stderr: () => text.stderr,
    ended,
    kill,
  };
}

const ofTests = ({ url, keys }: TestGateway) => ({ url, key: keys.test });

/** What is kept in a file; empty before there is one. */
function keptIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

const newFile = () => join(temporaryPlace(), 'events.cursor');

const idsOf = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

test(
  'killed again and again, its gateway too, it writes every event in order, and twice only what was under way',
  { timeout: 120_000 },
  async () => {
    const TENDER_DATA_DIR = await initializedDirectory();
    const first = await startGateway({ TENDER_DATA_DIR });
    const { url, key } = first;
    const till = tillAt({ url: `${url}/graphql`, keys: { test: key, live: '', other: '' } });
    const pay = async (count: number) => {
      for (let made = 0; made < count; made++) await till.pay();
    };
    const file = newFile();
    const runs: Consumer[] = [];
    const run = (): Consumer => {
      const consumer = startConsumer(first, file);
      runs.push(consumer);
      return consumer;
    };
    const written = (consumer: Consumer, count: number) => untilInTime(() => consumer.events().length >= count);

    const beginning = run();
    await untilInTime(() => keptIn(file) !== '');
    const start = keptIn(file);
    // While it writes.
    const paying = pay(4);
    await written(beginning, 4);
    await beginning.kill();
    const next = run();
    // However quick the first one was, there is enough for this one.
    const goingOn = pay(4);
    await written(next, 5);
    await next.kill();
    await Promise.all([paying, goingOn]);
    // While it is away.
    await pay(3);
    const last = run();
    await written(last, 3);
    // While it waits.
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await startGateway({ TENDER_DATA_DIR, PORT: new URL(url).port });
    expect(second.url).toBe(url);
    await pay(3);

    const { events } = await till.events({ after: start, first: 100 });
    expect(events.events).toHaveLength(3 * (8 + 3 + 3));
    await untilInTime(() => keptIn(file) === events.events.at(-1)?.cursor);
    // What it has written is all here once it has ended.
    await last.kill();
    const told: string[] = [];
    for (const consumer of runs) {
      const [again, ...rest] = idsOf(consumer.events());
      if (again !== undefined && again !== told.at(-1)) told.push(again);
      told.push(...rest);
    }
    expect(told).toEqual(idsOf(events.events));
  },
);

test('an event whose cursor was not kept comes again, as the same', async () => {
  const file = newFile();
  const first = startConsumer(ofTests(gateway()), file);
  await until(() => keptIn(file) !== '');
  const before = keptIn(file);
  await new Till(gateway).pay();
  await until(() => first.events().length === 3);
  await first.kill();
  writeFileSync(file, before);
  const second = startConsumer(ofTests(gateway()), file);
  await until(() => second.events().length === 3);
  expect(second.events()).toEqual(first.events());
});

test('of another epoch, it says so, and goes on at the same place', async () => {
  const { id } = await new Till(gateway).pay();
  const file = newFile();
  writeFileSync(file, encodeCursor({ epoch: 0, orderXid: 0n, position: 0n }, 0));
  const consumer = startConsumer(ofTests(gateway()), file);
  await until(() => consumer.events().findLast(({ payment }) => payment.id === id)?.status === 'SUCCEEDED');
  expect(consumer.stderr()).toMatch(/^CURSOR_OF_ANOTHER_EPOCH: .*\nCompare /);
  const { events } = await gateway().execute(EventsDocument, { first: 100 });
  expect(idsOf(consumer.events())).toEqual(idsOf(events.events));
});

test('away for too long, it says so, and goes on with what is kept', async () => {
  const till = new Till(forgetful);
  await till.pay();
  await until(() => listeners() === 0);
  const file = newFile();
  writeFileSync(file, encodeCursor({ epoch: 0, orderXid: 0n, position: 0n }, forgetful().app.gateway.epoch));
  const consumer = startConsumer(ofTests(forgetful()), file);
  await until(() => listeners() === 1);
  expect(consumer.stderr()).toMatch(/^CURSOR_TOO_OLD: .*\nEvents were left out/);
  const { id } = await till.pay();
  await until(() => consumer.events().length === 3);
  expect(consumer.events().map(({ payment, sequence }) => [payment.id, sequence])).toEqual(
    [1, 2, 3].map((sequence) => [id, sequence]),
  );
});

test('with a cursor of another gateway, or a key that is not known, it ends and says why', async () => {
  const file = newFile();
  writeFileSync(file, 'evc_x');
  const lost = startConsumer(ofTests(gateway()), file);
  expect(await lost.ended).toBe(1);
  expect(lost.stderr()).toMatch(/^CURSOR_UNKNOWN: .*\n.*is of another gateway/);
  expect(keptIn(file)).toBe('evc_x');
  const refused = startConsumer({ url: gateway().url, key: 'sk_test_x' }, newFile());
  expect(await refused.ended).toBe(1);
  expect(refused.stderr()).toBe('UNAUTHENTICATED: This key is not known.\n');
});
