import type { Gateway } from '../payments/gateway.ts';
import type { KeyOwner } from '../store/access.ts';
import type { Context } from './context.ts';
import { lookAtKey } from './still-allowed.ts';

/**
 * Ends a subscription with its credential, not only at the next event: at the very end of a client token, and of a key as
 * it was known when it was looked at last.
 * @returns what ends the watching
 */
export function endWithCredential({ gateway, credential }: Context, end: () => void): () => void {
  if (credential.kind === 'key') return watchKey(gateway, credential.key, end);
  const timer = setTimeout(end, credential.token.expiresAt.getTime() - gateway.now().getTime()).unref();
  return () => clearTimeout(timer);
}

/** All subscribers of a key, who end with it. */
interface Watch {
  readonly ends: Set<() => void>;
  timer: NodeJS.Timeout | undefined;
}

const watches = new WeakMap<Gateway['database'], Map<string, Watch>>();

function watchKey(gateway: Gateway, key: KeyOwner, end: () => void): () => void {
  const watched = watches.get(gateway.database) ?? new Map<string, Watch>();
  watches.set(gateway.database, watched);
  const watch = watched.get(key.id) ?? { ends: new Set(), timer: undefined };
  watched.set(key.id, watch);
  if (watch.ends.size === 0) lookLater(gateway, key, watch, key.expiresAt);
  watch.ends.add(end);
  return () => {
    watch.ends.delete(end);
    if (watch.ends.size > 0 || watched.get(key.id) !== watch) return;
    clearTimeout(watch.timer);
    watched.delete(key.id);
  };
}

/**
 * One statement for each key with subscribers, in each process: its end may be set while they wait, by a roll or by whoever
 * revokes it.
 * @param expiresAt until when the key is good, as far as is known
 */
function lookLater(gateway: Gateway, key: KeyOwner, watch: Watch, expiresAt: Date | null): void {
  const leftMs = expiresAt === null ? Infinity : expiresAt.getTime() - gateway.now().getTime();
  // Not before it is over by the database's clock, which counts no finer.
  const inMs = Math.min(Math.max(leftMs + 1, 1), gateway.settings.keyLookMs);
  watch.timer = setTimeout(() => void look(gateway, key, watch, expiresAt), inMs).unref();
}

async function look(gateway: Gateway, key: KeyOwner, watch: Watch, known: Date | null): Promise<void> {
  // While the database cannot be asked, what was known of the key holds.
  const expiresAt = await lookAtKey(gateway, key).catch(() => known);
  if (watch.ends.size === 0) return;
  if (expiresAt !== undefined) lookLater(gateway, key, watch, expiresAt);
  else for (const end of watch.ends) end();
}
