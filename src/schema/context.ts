import { callerOf } from '../payments/client-token.ts';
import type { Caller, Gateway } from '../payments/gateway.ts';
import type { ClientToken } from '../payments/token-text.ts';
import type { KeyOwner } from '../store/access.ts';
import type { EventFeed } from '../store/event-feed.ts';
import type { LookAhead } from './look-ahead.ts';
import { createLoaders, type Loaders } from '../store/loaders.ts';

/** What a request carries to say who is asking: the merchant's secret key, or a payer's client token. */
export type Credential =
  | { readonly kind: 'key'; readonly key: KeyOwner }
  | { readonly kind: 'token'; readonly token: ClientToken };

/** What every resolver is given. */
export interface Context {
  readonly gateway: Gateway;
  readonly feed: EventFeed;
  readonly credential: Credential;
  readonly caller: Caller;
  /** Of this request; a subscription gets new ones for every event, so that it never sends a stale object. */
  loaders: Loaders;
  /** A subscription's: the cursor of its last message. */
  told: string | null;
  /** A subscription's: what each answer says beside its data. */
  extensions?: Readonly<Record<string, unknown>> | undefined;
  /** What is foreseen of a query; undefined where each relation is read when it comes to it. */
  readonly lookAhead?: LookAhead | undefined;
}

export function createContext(gateway: Gateway, feed: EventFeed, credential: Credential, requestId?: string): Context {
  const who = credential.kind === 'key' ? merchantOf(credential.key) : callerOf(credential.token);
  const caller = { ...who, requestId };
  const loaders = createLoaders(gateway.database, caller.environmentId);
  return { gateway, feed, credential, caller, loaders, told: null };
}

function merchantOf({ id, environmentId, mode }: KeyOwner): Caller {
  return { environmentId, mode, principal: 'merchant', actor: `key_${id}`, payer: null, schedules: true };
}

/** Forgets everything that was read. */
export function renewLoaders(context: Context): void {
  context.loaders = createLoaders(context.gateway.database, context.caller.environmentId);
}

/** The same without what was read for it, and without what its transport has put beside it. */
export function contextApart({ gateway, feed, credential, caller, extensions }: Context): Context {
  const loaders = createLoaders(gateway.database, caller.environmentId);
  return { gateway, feed, credential, caller, extensions, loaders, told: null };
}
