import { beforeEach, expect, test } from 'vitest';
import { only, useGateway } from '../harness/gateway.ts';
import { card, Till } from '../harness/till.ts';

const gateway = useGateway();
const till = new Till(gateway);

const NO_FUNDS = card('4000000000009995');
const HOUR = 3_600;
const DAY = 24 * HOUR;

beforeEach(async () => {
  only(await till.setRetrySchedule(HOUR, DAY), 'SetRetrySchedulePayload');
});

test('it is empty at first, and what it was set to from then on', async () => {
  expect(await new Till(gateway, 'live').retrySchedule()).toEqual([]);
  expect(await till.retrySchedule()).toEqual([HOUR, DAY]);
  expect(only(await till.setRetrySchedule(), 'SetRetrySchedulePayload').retrySchedule.delaysSeconds).toEqual([]);
  expect(await till.retrySchedule()).toEqual([]);
});

test('the schedule belongs to its environment', async () => {
  const other = new Till(gateway, 'other');
  expect(await other.retrySchedule()).toEqual([]);
  expect(await new Till(gateway, 'live').retrySchedule()).toEqual([]);
  expect((await other.pay({ card: NO_FUNDS })).status).toBe('FAILED');
});

test.each([
  ['a delay of zero', [0], ['0']],
  ['a negative delay', [60, -1], ['1']],
  ['more than 30 days', [60, 60, 30 * DAY + 1], ['2']],
  ['eleven retries', Array.from({ length: 11 }, () => 60), []],
])('%s is refused, and the schedule stays', async (_, delays, path) => {
  const refused = only(await till.setRetrySchedule(...delays), 'InvalidInputError');
  expect(refused).toMatchObject({ code: 'INVALID_INPUT', path: ['input', 'delaysSeconds', ...path] });
  expect(await till.retrySchedule()).toEqual([HOUR, DAY]);
});

test('ten retries of 30 days are taken', async () => {
  const delays = Array.from({ length: 10 }, () => 30 * DAY);
  expect(only(await till.setRetrySchedule(...delays), 'SetRetrySchedulePayload').retrySchedule).toEqual({
    delaysSeconds: delays,
  });
});
