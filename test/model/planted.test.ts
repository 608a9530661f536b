import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bench, type Plant } from './bench.ts';
import { everyAnswerFits } from './property.ts';

/** The property can fail: each of these faults is found. */
const PLANTS: readonly [string, RegExp, Plant][] = [
  [
    'a processor gives refunds twice',
    // What was given back unasked may be missing for a refund that is asked for: that one is refused, and nothing says why.
    /no order of these requests explains their answers|captured, and the charge|belongs to nobody|refunded .*, and the charge|not known yet|something stays under way/,
    {
      processor: (sandbox) => ({
        refund: async (request, pass) => {
          const answer = await pass();
          await sandbox.refund({ ...request, key: `${request.key} again` }, new AbortController().signal);
          return answer;
        },
      }),
    },
  ],
  [
    'a processor does not find a charge that it has made',
    /has no money, and the charge/,
    {
      processor: () => {
        // One that was accepted first is found: nobody would ever hear how it ended. So is what becomes of it later.
        const approvedAtOnce = new Set<string>();
        return {
          charge: async ({ key }, pass) => {
            const answer = await pass();
            if (answer.kind === 'approved') approvedAtOnce.add(key);
            return answer;
          },
          lookUpCharge: async ({ key }, pass) => {
            const answer = await pass();
            return answer.kind === 'approved' && approvedAtOnce.has(key) ? { kind: 'not_found' } : answer;
          },
        };
      },
    },
  ],
  [
    'the gateway forgets the keys of requests',
    // A charge made again has the processor's key of the first: the database refuses that one.
    /no order of these requests explains their answers|made .* and |INTERNAL_SERVER_ERROR/,
    {
      statement: `
        CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          UPDATE idempotency_key SET key = key || ' ' || resource_id
          WHERE environment_id = NEW.environment_id AND operation = NEW.operation AND key = NEW.key;
          RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER forget AFTER INSERT ON idempotency_key DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION forget()`,
    },
  ],
];

test.each(PLANTS)('%s: that is found, and found again with the same seed', async (_, problem, plant) => {
  const property = everyAnswerFits(new Bench(plant));
  const found = await fc.check(property, { numRuns: 200, endOnFailure: true });
  expect(String(found.errorInstance)).toMatch(problem);
  const { seed, counterexamplePath: path } = found;
  const again = await fc.check(property, { seed, ...(path !== null && { path }), endOnFailure: true });
  expect(String(again.errorInstance)).toMatch(problem);
});
