import { GraphQLError } from 'graphql';
import { areTokensValid, isKeyValid } from '../store/access.ts';
import type { Context } from './context.ts';

/** How long an answer about a credential is good: what was revoked goes on for no longer than this. */
const GOOD_FOR_MS = 1_000;
/** Credentials of which an answer is kept. */
const KEPT_MAX = 10_000;

interface Answer {
  readonly atMs: number;
  readonly valid: Promise<boolean>;
}

const answers = new WeakMap<object, Map<string, Answer>>();

/**
 * Whether the credential of a subscription still opens it: asked again for every event, answered by the database once a
 * second and credential, however many subscribers have it.
 */
export async function isStillAllowed({ gateway, credential, caller }: Context): Promise<boolean> {
  if (credential.kind === 'token' && credential.token.expiresAt <= gateway.now()) return false;
  const known = answers.get(gateway) ?? new Map<string, Answer>();
  answers.set(gateway, known);
  const nowMs = performance.now();
  const earlier = known.get(caller.actor);
  if (earlier !== undefined && earlier.atMs + GOOD_FOR_MS > nowMs) return earlier.valid;
  const { database } = gateway;
  const valid =
    credential.kind === 'key'
      ? isKeyValid(database, credential.key)
      : areTokensValid(database, caller.environmentId, credential.token.createdAt);
  if (known.size >= KEPT_MAX) known.clear();
  known.set(caller.actor, { atMs: nowMs, valid });
  return valid;
}

/** What a subscription ends with whose credential is over. */
export function noLongerAllowed(cursor: string | null): GraphQLError {
  return new GraphQLError('This credential is over: subscribe again with another one.', {
    extensions: { code: 'UNAUTHENTICATED', cursor },
  });
}
