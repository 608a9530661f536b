import { GraphQLError } from 'graphql';
import { isTaken } from '../payments/client-token.ts';
import { findEnvironment, isKeyValid } from '../store/access.ts';
import type { Context } from './context.ts';

/** What was asked because of an event, by what it was asked about. */
const answers = new WeakMap<object, Map<string, Promise<unknown>>>();

/**
 * Whether the credential of a subscription still opens it, as the database has it after an event. It is asked once for an
 * event and a key, or for an event and all client tokens of an environment, however many subscribers are told the event.
 */
export async function isStillAllowed({ gateway, credential }: Context, event: object): Promise<boolean> {
  const { database, now } = gateway;
  if (credential.kind === 'key') {
    const { key } = credential;
    return once(event, key.id, () => isKeyValid(database, key));
  }
  const { token } = credential;
  const environment = await once(event, token.environmentId, () => findEnvironment(database, token.environmentId));
  return isTaken(token, environment, now());
}

async function once<T>(event: object, about: string, ask: () => Promise<T>): Promise<T> {
  const asked = answers.get(event) ?? new Map<string, Promise<unknown>>();
  answers.set(event, asked);
  const answer = (asked.get(about) as Promise<T> | undefined) ?? ask();
  asked.set(about, answer);
  return answer;
}

/** What a subscription ends with whose credential is over, and where it was. */
export function noLongerAllowed({ credential }: Context, cursor: string | null): GraphQLError {
  const why = credential.kind === 'key' ? 'This key was revoked' : 'This client token is over, or it was revoked';
  return new GraphQLError(`${why}: subscribe again with another one.`, {
    extensions: { code: 'UNAUTHENTICATED', cursor },
  });
}
