/** How long a condition may take to come true. It is there to end a test that would hang. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 15;

/**
 * Looks again and again until there is an answer: tests wait for what they count on, never for a set time.
 * @returns the first answer that is neither undefined nor false
 */
export async function until<T>(condition: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await condition();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > endMs) throw new Error(`this did not come true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
