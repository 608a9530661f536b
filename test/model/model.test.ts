import { env } from 'node:process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bench } from './bench.ts';
import { everyAnswerFits } from './property.ts';

/**
 * A run that fails prints its seed and its path: `MODEL_SEED=… MODEL_PATH=… npx vitest run test/model/model.test.ts`
 * repeats it, and MODEL_REPLAY takes the `replayPath` that is printed with its commands. MODEL_RUNS says how many runs
 * are made.
 */
const { MODEL_SEED, MODEL_PATH, MODEL_REPLAY, MODEL_RUNS = '20' } = env;

/** There is an end to looking for the shortest sequence that fails. */
const SEARCH_MS = 60_000 + Number(MODEL_RUNS) * 5_000;

test(
  'every answer fits the model, and the money is right, whatever clients do and whatever gets lost',
  { timeout: 2 * SEARCH_MS },
  async () => {
    const property = everyAnswerFits(new Bench(), MODEL_REPLAY === undefined ? {} : { replayPath: MODEL_REPLAY });
    const runs = fc.assert(property, {
      numRuns: Number(MODEL_RUNS),
      plugins: [fc.interruptAfterTimeLimit(SEARCH_MS)],
      ...(MODEL_SEED !== undefined && { seed: Number(MODEL_SEED) }),
      ...(MODEL_PATH !== undefined && { path: MODEL_PATH }),
    });
    await expect(runs).resolves.toBeUndefined();
  },
);
