import type { Caller, Gateway } from '../payments/gateway.ts';
import type { KeyOwner } from '../store/access.ts';
import type { EventFeed } from '../store/event-feed.ts';
import { createLoaders, type Loaders } from '../store/loaders.ts';

/** What every resolver is given. */
export interface Context {
  readonly gateway: Gateway;
  readonly feed: EventFeed;
  readonly key: KeyOwner;
  readonly caller: Caller;
  /** Of this request; a subscription gets new ones for every event, so that it never sends a stale object. */
  loaders: Loaders;
}

export function createContext(gateway: Gateway, feed: EventFeed, key: KeyOwner): Context {
  return {
    gateway,
    feed,
    key,
    caller: {
      environmentId: key.environmentId,
      mode: key.mode,
      principal: 'merchant',
      actor: `key_${key.id}`,
      payer: null,
    },
    loaders: createLoaders(gateway.database, key.environmentId),
  };
}

/** Forgets everything that was read. */
export function renewLoaders(context: Context): void {
  context.loaders = createLoaders(context.gateway.database, context.caller.environmentId);
}
