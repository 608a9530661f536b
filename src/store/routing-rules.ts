import { encodeId } from '../domain/ids.ts';
import type { RoutingRule } from '../domain/routing.ts';
import { addAuditEntry, type AuditedBy } from './audit.ts';
import type { Database } from './database.ts';
import { transact, type SetBased } from './transaction.ts';

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
    `SELECT newest.environment_id, newest.version, newest.rules FROM unnest($1::uuid[]) AS asked (environment_id) CROSS JOIN LATERAL (
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
export async function addRules(database: Database, by: AuditedBy, { version, rules }: Rules): Promise<boolean> {
  const { environmentId, actor } = by;
  return transact(database, async (transaction) => {
    const [newest] = await transaction.query<{ version: number; count: number }>(
      `SELECT version, jsonb_array_length(rules) AS count FROM routing_rules WHERE environment_id = $1
       ORDER BY version DESC LIMIT 1`,
      [environmentId],
    );
    if ((newest?.version ?? 0) !== version - 1) return { commit: false, value: false };
    const added = await transaction.query(
      `INSERT INTO routing_rules (environment_id, version, rules, created_by) VALUES ($1, $2, $3::jsonb, $4)
       ON CONFLICT (environment_id, version) DO NOTHING RETURNING 1`,
      [environmentId, version, JSON.stringify(rules.map(toStored)), actor],
    );
    // Another one was quicker: the version is there already.
    if (added.length === 0) return { commit: false, value: false };
    await addAuditEntry(transaction, by, {
      act: 'ROUTING_SET',
      subject: encodeId('Environment', environmentId),
      before: { version: version - 1, rules: newest?.count ?? 0 },
      after: { version, rules: rules.length },
    });
    return { commit: true, value: true };
  });
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
