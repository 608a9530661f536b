import { expect, test } from 'vitest';
import {
  admits,
  begun,
  CLOSED,
  ended,
  FAILURES_TO_OPEN,
  OPEN_MS,
  PROBE_MS,
  type Circuit,
} from '../../src/domain/circuit.ts';

const NOW = 1_000_000;

function after(failures: number, from: Circuit = CLOSED): Circuit {
  let circuit = from;
  for (let count = 0; count < failures; count++) circuit = ended(begun(circuit, NOW), false, NOW);
  return circuit;
}

test('it opens after so many failures in a row, and no sooner', () => {
  expect(after(FAILURES_TO_OPEN - 1)).toEqual({ state: 'CLOSED', failures: FAILURES_TO_OPEN - 1 });
  expect(admits(after(FAILURES_TO_OPEN - 1), NOW)).toBe(true);
  expect(after(FAILURES_TO_OPEN)).toEqual({ state: 'OPEN', failures: FAILURES_TO_OPEN, openedAtMs: NOW });
});

test('an answer between them begins the count anew', () => {
  const answered = ended(after(FAILURES_TO_OPEN - 1), true, NOW);
  expect(answered).toEqual(CLOSED);
  expect(after(FAILURES_TO_OPEN - 1, answered).state).toBe('CLOSED');
});

test('it is left alone for a while, then one call is let through', () => {
  const open = after(FAILURES_TO_OPEN);
  expect(admits(open, NOW + OPEN_MS - 1)).toBe(false);
  expect(admits(open, NOW + OPEN_MS)).toBe(true);
  const probed = begun(open, NOW + OPEN_MS);
  expect(probed.state).toBe('HALF_OPEN');
  expect(admits(probed, NOW + OPEN_MS + 1)).toBe(false);
});

test('what the probe finds decides', () => {
  const later = NOW + OPEN_MS;
  const probed = begun(after(FAILURES_TO_OPEN), later);
  expect(ended(probed, true, later)).toEqual(CLOSED);
  const reopened = ended(probed, false, later);
  expect(reopened).toMatchObject({ state: 'OPEN', openedAtMs: later });
  expect(admits(reopened, later + OPEN_MS - 1)).toBe(false);
});

test('a probe that is never heard of again does not keep it shut', () => {
  const probed = begun(after(FAILURES_TO_OPEN), NOW + OPEN_MS);
  expect(admits(probed, NOW + OPEN_MS + PROBE_MS - 1)).toBe(false);
  expect(admits(probed, NOW + OPEN_MS + PROBE_MS)).toBe(true);
});

test('failures of calls that began before it opened do not keep it open for longer', () => {
  const open = after(FAILURES_TO_OPEN);
  expect(ended(open, false, NOW + 10_000)).toBe(open);
});
