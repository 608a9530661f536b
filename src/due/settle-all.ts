/**
 * Waits for every piece of a round, whatever becomes of the others.
 * @throws an AggregateError of what failed, when all have ended
 */
export async function settleAll(pieces: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(pieces);
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} of ${pieces.length} failed`);
}
