import { createHash } from 'node:crypto';
import type { Attempt, ProcessorAccount } from '../../generated/prisma/client.ts';
import { route, SANDBOX_TARGET, type Route, type RoutingSubject, type Target } from '../domain/routing.ts';
import { readEnabledAccounts } from '../store/processor-accounts.ts';
import { readRules } from '../store/routing-rules.ts';
import type { Place } from '../store/operations.ts';
import type { Caller, Gateway } from './gateway.ts';

/** Why a card is charged where it is, as its attempt keeps it. */
export type Routing = Pick<Attempt, 'routing' | 'routingRule' | 'routingVersion'>;

/** Of a card that is kept somewhere already. */
export const BY_PAYMENT_METHOD: Routing = { routing: 'PAYMENT_METHOD', routingRule: null, routingVersion: null };

/** Where a card may be charged, in the order in which it is tried, and why. */
export interface Way {
  readonly places: readonly Place[];
  readonly routing: Routing;
}

/** Whether a card number can be given to a target. */
export type Standing = 'OPEN' | 'DISABLED' | 'TOKENS_ONLY' | 'CIRCUIT_OPEN';

export interface ExplainedRoute extends Route {
  readonly version: number;
  /** Of each target, in their order. */
  readonly standings: readonly Standing[];
}

/**
 * What the rules say of a card, and why. Without a rule that fits, it is the environment's oldest account that takes card
 * numbers, and where there is none, the sandbox for test cards.
 * @param seed the same seed draws the same target: a request that is sent again goes the same way
 */
export async function explainRoute(
  gateway: Gateway,
  caller: Pick<Caller, 'environmentId' | 'mode'>,
  subject: RoutingSubject,
  seed: string,
): Promise<ExplainedRoute> {
  return (await find(gateway, caller, subject, seed)).explained;
}

/** Where a new card is to be charged; no places where it cannot be at the moment. */
export async function wayFor(
  gateway: Gateway,
  caller: Pick<Caller, 'environmentId' | 'mode'>,
  subject: RoutingSubject,
  seed: string,
): Promise<Way> {
  const { explained, accounts } = await find(gateway, caller, subject, seed);
  const { rule, version, targets, standings } = explained;
  const places = targets
    .filter((_, index) => standings[index] === 'OPEN')
    .map((target) => placeOf(gateway, caller.environmentId, target, accounts));
  const fit = places.filter(({ processor }) => takesAmount(gateway, processor, subject));
  const routingVersion = version === 0 ? null : version;
  return {
    // An amount that nobody takes is refused with the reason, by whoever would have been asked.
    places: fit.length > 0 ? fit : places,
    routing: { routing: rule === null ? 'DEFAULT' : 'RULE', routingRule: rule, routingVersion },
  };
}

async function find(
  gateway: Gateway,
  { environmentId, mode }: Pick<Caller, 'environmentId' | 'mode'>,
  subject: RoutingSubject,
  seed: string,
): Promise<{ readonly explained: ExplainedRoute; readonly accounts: readonly ProcessorAccount[] }> {
  const [{ version, rules }, accounts] = await Promise.all([
    readRules(gateway.database, environmentId),
    readEnabledAccounts(gateway.database, environmentId),
  ]);
  const routed = route(rules, subject, drawOf(environmentId, seed));
  const fallback = accounts.find(({ rawCards }) => rawCards)?.id ?? (mode === 'TEST' ? SANDBOX_TARGET : undefined);
  const targets = routed.rule === null ? [fallback].filter((target) => target !== undefined) : routed.targets;
  const standings = targets.map((target) => standingOf(gateway, target, accounts));
  return { explained: { ...routed, targets, version, standings }, accounts };
}

function takesAmount(gateway: Gateway, processor: string, { amount, currency }: RoutingSubject): boolean {
  if (amount === null || currency === null) return true;
  return gateway.processors.traits(processor).refusesAmount(amount, currency) === undefined;
}

function standingOf(gateway: Gateway, target: Target, enabled: readonly ProcessorAccount[]): Standing {
  if (target === SANDBOX_TARGET) return 'OPEN';
  const account = enabled.find(({ id }) => id === target);
  if (account === undefined) return 'DISABLED';
  if (!account.rawCards) return 'TOKENS_ONLY';
  return gateway.circuits.admits({ processorAccountId: target }) ? 'OPEN' : 'CIRCUIT_OPEN';
}

function placeOf(
  gateway: Gateway,
  environmentId: string,
  target: Target,
  accounts: readonly ProcessorAccount[],
): Place {
  if (target === SANDBOX_TARGET) {
    return { environmentId, processor: gateway.processors.sandbox.name, processorAccountId: null };
  }
  const account = accounts.find(({ id }) => id === target);
  if (account === undefined) throw new Error('a route leads to an account that is not there');
  return { environmentId, processor: account.processor, processorAccountId: account.id };
}

/** From 0 up to and without 1, by 32 bits of a hash. */
function drawOf(environmentId: string, seed: string): number {
  return createHash('sha256').update(`${environmentId} ${seed}`).digest().readUInt32BE() / 2 ** 32;
}
