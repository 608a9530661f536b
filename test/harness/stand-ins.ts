/** What stands in for a call to the processor (see interposed.ts). */

const UNKNOWN = { kind: 'unknown' } as const;

type Pass = () => Promise<unknown>;

/** The processor does nothing, and answers this. */
export function answers<const T>(outcome: T): () => Promise<T> {
  return () => Promise.resolve(outcome);
}

/** The call never reaches the processor, and nobody knows. */
export const lost = answers(UNKNOWN);

/** The processor does it, and its answer is lost. */
export async function doneThenLost(_: unknown, pass: Pass): Promise<typeof UNKNOWN> {
  await pass();
  return UNKNOWN;
}

/** The processor has done it; its answer is on its way until the test lets it come. */
export function halted<T>() {
  const done = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  return {
    done: done.promise,
    release: () => released.resolve(),
    standIn: async (_: unknown, pass: () => Promise<T>): Promise<T> => {
      const outcome = await pass();
      done.resolve();
      await released.promise;
      return outcome;
    },
  };
}

/** The call is given up while it is on its way: it reaches the processor when the test lets it arrive. */
export function delayed() {
  let call: Pass | undefined;
  return {
    standIn: (_: unknown, pass: Pass): Promise<typeof UNKNOWN> => {
      call ??= pass;
      return Promise.resolve(UNKNOWN);
    },
    arrive: async (): Promise<void> => {
      await call?.();
    },
  };
}
