import { parseCurrency } from '../domain/currency.ts';
import { ok, type Result } from '../domain/result.ts';
import { SANDBOX_TARGET, type RoutingCondition, type RoutingRule } from '../domain/routing.ts';
import { addRules, type Rules } from '../store/routing-rules.ts';
import { checkCountry } from './address.ts';
import { checkAmount, checkMetadata, checkText } from './details.ts';
import { invalid, notFound, type Failure } from './failure.ts';
import type { Caller, Gateway } from './gateway.ts';

const RULES_MAX = 50;
const TARGETS_MAX = 10;
const WEIGHT_MAX = 1_000;
const NAME_LENGTH_MAX = 100;
/** What a condition lists of one kind. */
const LISTED_MAX = 250;

/**
 * Puts a list of rules in the place of another. It holds for cards that are taken from now on; an empty list leaves them
 * to the default.
 * @param input.version the version that is replaced, so that of two who change the rules at once one is told
 */
export async function setRouting(
  gateway: Gateway,
  caller: Caller,
  input: { readonly version: number; readonly rules: readonly RoutingRule[] },
): Promise<Result<Rules, Failure>> {
  const { environmentId, mode } = caller;
  const { rules } = input;
  if (rules.length > RULES_MAX) return invalid(`There are at most ${RULES_MAX} rules.`, 'rules');
  const accounts = await gateway.database.prisma.processorAccount.findMany({ where: { environmentId } });
  const known = new Set(accounts.map(({ id }) => id));
  if (mode === 'TEST') known.add(SANDBOX_TARGET);
  for (const [index, rule] of rules.entries()) {
    const checked = checkRule(rule, known, ['rules', String(index)]);
    if (!checked.ok) return checked;
    const isTwice = rules.findIndex(({ name }) => name === rule.name) !== index;
    if (isTwice) return invalid('Two rules have this name.', 'rules', String(index), 'name');
  }
  const version = input.version + 1;
  if (await addRules(gateway.database, caller, { version, rules })) return ok({ version, rules });
  return invalid('The rules were changed since: look at them, and set them again.', 'version');
}

function checkRule(rule: RoutingRule, known: ReadonlySet<string>, path: readonly string[]): Result<true, Failure> {
  const { name, when, targets } = rule;
  if (name === '') return invalid(`A name has 1 to ${NAME_LENGTH_MAX} characters.`, ...path, 'name');
  const named = checkText(name, [...path, 'name'], NAME_LENGTH_MAX);
  if (!named.ok) return named;
  if (targets.length === 0 || targets.length > TARGETS_MAX) {
    return invalid(`A rule has 1 to ${TARGETS_MAX} targets.`, ...path, 'targets');
  }
  for (const [index, { target, weight }] of targets.entries()) {
    const at = [...path, 'targets', String(index)];
    if (!known.has(target)) return notFound('processor account', ...at, 'processorAccountId');
    if (targets.findIndex((each) => each.target === target) !== index) {
      return invalid('A rule names an account once.', ...at, 'processorAccountId');
    }
    if (weight < 0 || weight > WEIGHT_MAX) return invalid(`A weight is 0 to ${WEIGHT_MAX}.`, ...at, 'weight');
  }
  if (targets.every(({ weight }) => weight === 0)) {
    return invalid('One of the targets has to have a weight.', ...path, 'targets');
  }
  return checkCondition(when, [...path, 'when']);
}

function checkCondition(when: RoutingCondition, path: readonly string[]): Result<true, Failure> {
  const { amountFrom, amountTo, currencies, countries, brands, metadata } = when;
  for (const [field, list] of Object.entries({ currencies, countries, brands })) {
    if (list !== null && (list.length === 0 || list.length > LISTED_MAX)) {
      return invalid(`Name 1 to ${LISTED_MAX}, or leave it out.`, ...path, field);
    }
  }
  for (const [index, currency] of (currencies ?? []).entries()) {
    const at = [...path, 'currencies', String(index)];
    if (parseCurrency(currency) === undefined) return invalid('There is no such currency in ISO 4217.', ...at);
  }
  for (const [index, country] of (countries ?? []).entries()) {
    const checked = checkCountry(country, ...path, 'countries', String(index));
    if (!checked.ok) return checked;
  }
  for (const [field, amount] of Object.entries({ amountFrom, amountTo })) {
    const checked = amount === null ? ok(0n) : checkAmount(amount, ...path, field);
    if (!checked.ok) return checked;
  }
  if ((amountFrom !== null || amountTo !== null) && currencies === null) {
    return invalid('Amounts are in minor units of a currency: name the currencies, too.', ...path, 'currencies');
  }
  if (amountFrom !== null && amountTo !== null && amountFrom > amountTo) {
    return invalid('No amount is from this one up to a smaller one.', ...path, 'amountTo');
  }
  const checked = checkMetadata(metadata, ...path, 'metadata');
  return checked.ok ? ok(true) : checked;
}
