import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeId } from '../../src/domain/ids.ts';
import { SECRET, useGateway } from '../harness/gateway.ts';
import { LedgerDay } from '../harness/ledger-day.ts';
import { progressBar } from '../../tools/progress-bar.ts';

/** `npm run reconcile`, as an operator runs it beside a gateway. */

const gateway = useGateway();

async function run(...args: string[]) {
  const { PATH = '' } = process.env;
  const program = join(import.meta.dirname, '..', '..', 'tools', 'reconcile.ts');
  const variables = { DATABASE_URL: gateway().database.connectionString, TENDER_SECRET: SECRET };
  const child = spawn(process.execPath, [program, ...args], { env: { PATH, ...variables } });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (part: Buffer) => (said.stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (said.stderr += part.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...said };
}

async function dayOfTwo() {
  const day = await LedgerDay.open(gateway());
  const { id } = await day.till.pay();
  await day.till.pay({ amount: 700, currency: 'JPY' });
  await day.settle();
  await day.pass();
  return { day, id, environment: encodeId('Environment', day.environmentId) };
}

test('a day without differences ends with 0, and draws no bar where there is no terminal', async () => {
  const { day, environment } = await dayOfTwo();
  const { code, stdout, stderr } = await run('--day', day.day, '--environment', environment);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(
    `${environment}  sandbox  ${day.day}\n  2 agree, 0 differ, 0 are under way, 0 are none of ours\n`,
  );
  expect(await day.runs()).toMatchObject([{ createdBy: 'command', daily: false, status: 'COMPLETED', agreeing: 2 }]);
});

test('differences are a table, and the end is 1', async () => {
  const { day, id, environment } = await dayOfTwo();
  await day.plant(`UPDATE sandbox_charge SET amount_captured = 1 WHERE merchant = $1 AND currency = 'EUR'`);
  await day.plant(`DELETE FROM sandbox_charge WHERE merchant = $1 AND currency = 'JPY'`);
  const { code, stdout } = await run('--day', day.day, '--environment', environment, '--account', 'sandbox');
  expect(code).toBe(1);
  const [, counts, head, ...rows] = stdout.trimEnd().split('\n');
  expect(counts).toBe('  0 agree, 2 differ, 0 are under way, 0 are none of ours');
  expect(head).toMatch(/^ {2}difference +of +payment +reference +here +there +at$/);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatch(
    new RegExp(`^  OTHER_AMOUNT +CHARGE +${id} +ch_\\w+ +49.99 EUR SUCCEEDED +0.01 EUR SUCCEEDED +2`),
  );
  expect(rows[1]).toMatch(/^ {2}MISSING_THERE +CHARGE +pay_\S+ +ch_\w+ +700 JPY SUCCEEDED +- +2/);
});

test('a day on which nothing was done', async () => {
  const answer = await run('--day', '2001-01-01');
  expect(answer).toEqual({ code: 0, stdout: 'There is nothing to compare.\n', stderr: '' });
});

test.each([
  [['--day', 'monday'], 'monday is no day'],
  [['--account', 'acc_1'], 'acc_1 is none'],
  [['--speed', '9'], 'Unknown option'],
])('%j is refused, and ends with 2', async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

test.each([
  [{ done: 0, total: 2000 }, '[                              ]   0 %  0 of 2,000'],
  [{ done: 1000, total: 2000 }, '[===============               ]  50 %  1,000 of 2,000'],
  [{ done: 2000, total: 2000 }, '[==============================] 100 %  2,000 of 2,000'],
  [{ done: 0, total: 0 }, '[==============================] 100 %  0 of 0'],
])('the bar of %j', (progress, bar) => {
  expect(progressBar(progress)).toBe(bar);
});
