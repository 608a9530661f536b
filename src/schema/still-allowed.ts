import { GraphQLError } from 'graphql';
import { isTaken } from '../payments/client-token.ts';
import type { Gateway } from '../payments/gateway.ts';
import { findEnvironment, readKeyEnd, type KeyOwner } from '../store/access.ts';
import type { Database } from '../store/database.ts';
import type { Context } from './context.ts';

/**
 * Whether the credential of a subscription still opens it, as the database has it now. All who ask at the same moment
 * about the same key, or about the client tokens of the same environment, share the answer; none is kept.
 */
export async function isStillAllowed({ gateway, credential }: Context): Promise<boolean> {
  if (credential.kind === 'key') return (await lookAtKey(gateway, credential.key)) !== undefined;
  const { database, now } = gateway;
  const { token } = credential;
  const { environmentId } = token;
  const environment = await together(database, environmentId, () => findEnvironment(database, environmentId));
  return isTaken(token, environment, now());
}

/** Until when a key is good, null for as long as nobody revokes it; undefined where it is over. */
export function lookAtKey({ database }: Gateway, key: KeyOwner): Promise<Date | null | undefined> {
  return together(database, key.id, () => readKeyEnd(database, key));
}

/** A question to the database: the one that was sent last, and the one that is still to be sent. */
interface Question {
  sent: Promise<unknown>;
  next: Promise<unknown> | undefined;
}

const questions = new WeakMap<Database, Map<string, Question>>();

/**
 * Joins those who wait for the question to be sent. Never one that was sent: its answer may be of before the event. One is
 * sent at a time, so that thousands who ask in disarray are few questions.
 */
async function together<T>(database: Database, about: string, ask: () => Promise<T>): Promise<T> {
  const asked = questions.get(database) ?? new Map<string, Question>();
  questions.set(database, asked);
  const question = asked.get(about) ?? { sent: Promise.resolve(), next: undefined };
  asked.set(about, question);
  question.next ??= question.sent.then(afterThisTurn).then(() => {
    const answer = ask();
    question.next = undefined;
    question.sent = answer
      .catch(() => undefined)
      .finally(() => {
        if (question.next === undefined) asked.delete(about);
      });
    return answer;
  });
  return question.next as Promise<T>;
}

/** Once everything that is to be done now is done: all whom an event has woken have asked. */
function afterThisTurn(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** What a subscription ends with whose credential is over, and where it was. */
export function noLongerAllowed({ credential }: Context, cursor: string | null): GraphQLError {
  const why =
    credential.kind === 'key' ? 'This key is over, or it was revoked' : 'This client token is over, or it was revoked';
  return new GraphQLError(`${why}: subscribe again with another one.`, {
    extensions: { code: 'UNAUTHENTICATED', cursor },
  });
}
