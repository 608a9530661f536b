import { Prisma } from '../../generated/prisma/client.ts';
import type { RoutingRule } from '../domain/routing.ts';
import type { Database } from './database.ts';
import type { SetBased } from './transaction.ts';

/** The rules that hold in an environment; version 0 where none was ever set. */
export interface Rules {
  readonly version: number;
  readonly rules: readonly RoutingRule[];
}

type StoredRule = Omit<RoutingRule, 'when'> & {
  readonly when: Omit<RoutingRule['when'], 'amountFrom' | 'amountTo'> & {
    readonly amountFrom: string | null;
    readonly amountTo: string | null;
  };
};

export async function readRules({ ask }: Database, environmentId: string): Promise<Rules> {
  return ask(readNewestRules, environmentId);
}

const readNewestRules: SetBased<string, Rules> = async (queries, environmentIds) => {
  const rows = await queries.query<{ environmentId: string; version: number; rules: StoredRule[] }>(
    `SELECT newest.* FROM unnest($1::uuid[]) AS asked (environment_id) CROSS JOIN LATERAL (
       SELECT environment_id, version, rules FROM routing_rules WHERE environment_id = asked.environment_id
       ORDER BY version DESC LIMIT 1) AS newest`,
    [[...new Set(environmentIds)]],
  );
  const found = new Map(rows.map((row) => [row.environmentId, row]));
  return environmentIds.map((environmentId) => {
    const row = found.get(environmentId);
    return row === undefined ? { version: 0, rules: [] } : { version: row.version, rules: row.rules.map(fromStored) };
  });
};

/** Adds the version that follows another. @returns false where that one is not the newest any more */
export async function addRules(
  { prisma }: Database,
  of: { readonly environmentId: string; readonly createdBy: string } & Rules,
): Promise<boolean> {
  const { environmentId, createdBy, version } = of;
  const newest = await prisma.routingRules.findFirst({ where: { environmentId }, orderBy: { version: 'desc' } });
  if ((newest?.version ?? 0) !== version - 1) return false;
  const rules = of.rules.map(toStored) as unknown as Prisma.InputJsonValue;
  try {
    await prisma.routingRules.create({ data: { environmentId, version, rules, createdBy } });
    return true;
  } catch (error) {
    // Another one was quicker: the version is there already.
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002') return false;
    throw error;
  }
}

function toStored(rule: RoutingRule): StoredRule {
  const { amountFrom, amountTo } = rule.when;
  const when = { ...rule.when, amountFrom: amountFrom?.toString() ?? null, amountTo: amountTo?.toString() ?? null };
  return { ...rule, when };
}

function fromStored(rule: StoredRule): RoutingRule {
  const { amountFrom, amountTo } = rule.when;
  return { ...rule, when: { ...rule.when, amountFrom: amountOf(amountFrom), amountTo: amountOf(amountTo) } };
}

function amountOf(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}
