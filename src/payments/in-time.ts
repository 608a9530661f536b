import type { Gateway } from './gateway.ts';

/**
 * Waits for an answer of a processor's until a deadline. Who asks is given a signal, and is left behind when it does not
 * heed it.
 * @throws what breaks on the way, and a TimeoutError
 */
export async function inTime<T>(timeoutMs: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  // AbortSignal.timeout would keep its timer, and all that hangs on it, until the deadline of a call that was answered.
  const timer = setTimeout(() => {
    ending.abort(new DOMException('The deadline of the call is over', 'TimeoutError'));
  }, timeoutMs);
  try {
    return await Promise.race([ask(ending.signal), aborted(ending.signal)]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tells the operator that a processor gave no answer: the class of the error only, whose message could carry what was sent. */
export function reportSilence(
  gateway: Pick<Gateway, 'report'>,
  processor: string,
  error: unknown,
  of: Readonly<Record<string, string>> = {},
): void {
  const name = error instanceof Error ? error.name : 'unknown';
  gateway.report('a call to a processor ended with no answer', { ...of, processor, error: name });
}

/** Ends with a signal, and in no other way. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    // Of a signal that was given already nothing more is heard.
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
