import type { PaymentMethod, ProcessorAccount } from '../../generated/prisma/client.ts';
import { addAuditEntry, type Audited, type AuditedBy } from './audit.ts';
import type { Database } from './database.ts';
import { lockEnvironment } from './environment-settings.ts';
import { allOf } from './rows.ts';
import { transact, type SetBased, type Transaction } from './transaction.ts';

type NewAccount = Omit<
  ProcessorAccount,
  'environmentId' | 'enabled' | 'createdAt' | 'createdBy' | 'updatedAt' | 'updatedBy'
>;

/**
 * Adds an account with a processor, unless the environment has so many, or one of this name. Requests at once are counted
 * one after the other: they lock the environment, in a way that payments do not mind.
 */
export async function addProcessorAccount(
  database: Database,
  { by, entry }: { readonly by: AuditedBy; readonly entry: Audited },
  account: NewAccount,
  limit: number,
): Promise<'added' | 'name_taken' | 'too_many'> {
  const { environmentId, actor } = by;
  const { id, name, processor, credentials, credentialsKeyId, hint, rawCards } = account;
  return transact(database, async (transaction) => {
    await lockEnvironment(transaction, environmentId);
    const [there] = await transaction.query<{ count: number; taken: boolean }>(
      `SELECT count(*)::int AS count, coalesce(bool_or(name = $2), false) AS taken
       FROM processor_account WHERE environment_id = $1`,
      [environmentId, name],
    );
    if (there?.taken !== false) return { commit: false, value: 'name_taken' };
    if (there.count >= limit) return { commit: false, value: 'too_many' };
    const added = await transaction.query(
      `INSERT INTO processor_account
         (environment_id, id, name, processor, credentials, credentials_key_id, hint, raw_cards, created_by, updated_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
       ON CONFLICT (environment_id, name) DO NOTHING RETURNING id`,
      [environmentId, id, name, processor, Buffer.from(credentials), credentialsKeyId, hint, rawCards, actor],
    );
    // Taken by one that was renamed meanwhile.
    if (added.length === 0) return { commit: false, value: 'name_taken' };
    await addAuditEntry(transaction, by, entry);
    return { commit: true, value: 'added' };
  });
}

/** An account by its id, a disabled one too. */
export async function findProcessorAccount(
  { prisma }: Database,
  environmentId: string,
  id: string,
): Promise<ProcessorAccount | undefined> {
  const where = { environmentId_id: { environmentId, id } };
  return (await prisma.processorAccount.findUnique({ where })) ?? undefined;
}

/** The accounts of an environment that may be used for new payments, the oldest first. */
export async function readEnabledAccounts({ ask }: Database, environmentId: string): Promise<ProcessorAccount[]> {
  return ask(readEnabled, environmentId);
}

const readEnabled: SetBased<string, ProcessorAccount[]> = async (queries, environmentIds) => {
  const rows = await queries.query<ProcessorAccount>(
    `SELECT ${allOf('ProcessorAccount')}
     FROM processor_account WHERE environment_id = ANY($1::uuid[]) AND enabled ORDER BY id`,
    [[...new Set(environmentIds)]],
  );
  const groups = Map.groupBy(rows, (row) => row.environmentId);
  return environmentIds.map((environmentId) => groups.get(environmentId) ?? []);
};

/** How many accounts there are, in all environments, whose credentials were sealed with none of these keys. */
export async function countSealedOtherwise({ pool }: Database, keyIds: readonly string[]): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM processor_account WHERE credentials_key_id <> ALL ($1)',
    [keyIds],
  );
  return rows[0]?.count ?? 0;
}

/** Some of the accounts, in all environments, whose credentials were sealed with another key than this one, by their ids. */
export async function readSealedOtherwise(
  { prisma }: Database,
  keyId: string,
  { limit, after }: { readonly limit: number; readonly after: string | undefined },
): Promise<ProcessorAccount[]> {
  return prisma.processorAccount.findMany({
    where: { credentialsKeyId: { not: keyId }, ...(after !== undefined && { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take: limit,
  });
}

/** How an account is changed, and what is written down of it. */
export interface AccountChange {
  readonly by: AuditedBy;
  readonly changes: Partial<Omit<ProcessorAccount, 'environmentId' | 'id' | 'processor' | 'createdAt' | 'createdBy'>>;
  readonly entryOf: (before: ProcessorAccount, after: ProcessorAccount) => Audited;
}

/**
 * Changes an account. Its credentials are sealed as a whole: they are not changed where they were since the account was
 * read, so that none is lost that was put in meanwhile. How they are sealed is never the same twice.
 */
export async function changeProcessorAccount(
  database: Database,
  { environmentId, id, credentials }: ProcessorAccount,
  { by, changes, entryOf }: AccountChange,
): Promise<'changed' | 'overtaken' | 'name_taken'> {
  try {
    return await transact(database, async (transaction) => {
      const [before] = await transaction.query<ProcessorAccount>(
        `SELECT ${allOf('ProcessorAccount')}
         FROM processor_account WHERE environment_id = $1 AND id = $2 FOR NO KEY UPDATE`,
        [environmentId, id],
      );
      const isOvertaken = changes.credentials !== undefined && before && !isSame(before.credentials, credentials);
      if (before === undefined || isOvertaken === true) return { commit: false, value: 'overtaken' };
      const after = { ...before, ...changes };
      await transaction.query(
        `UPDATE processor_account
         SET name = $3, credentials = $4, credentials_key_id = $5, hint = $6, raw_cards = $7, enabled = $8,
           updated_at = $9, updated_by = $10
         WHERE environment_id = $1 AND id = $2`,
        [
          environmentId,
          id,
          after.name,
          Buffer.from(after.credentials),
          after.credentialsKeyId,
          after.hint,
          after.rawCards,
          after.enabled,
          after.updatedAt,
          after.updatedBy,
        ],
      );
      await addAuditEntry(transaction, by, entryOf(before, after));
      return { commit: true, value: 'changed' };
    });
  } catch (error) {
    if (isNameTaken(error)) return 'name_taken';
    throw error;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function isNameTaken(error: unknown): boolean {
  return (
    error instanceof Error && 'constraint' in error && error.constraint === 'processor_account_environment_id_name_key'
  );
}

/** Writes down what was done to an account that changes nothing of it. */
export async function auditAccount(database: Database, by: AuditedBy, entry: Audited): Promise<void> {
  await transact(database, async (transaction) => {
    await addAuditEntry(transaction, by, entry);
    return { commit: true, value: undefined };
  });
}

/** Whether a stored payment method may be charged: the sandbox's always, others while their account is enabled. */
export async function isPlaceOpen(
  transaction: Transaction,
  { environmentId, processorAccountId }: Pick<PaymentMethod, 'environmentId' | 'processorAccountId'>,
): Promise<boolean> {
  if (processorAccountId === null) return true;
  const rows = await transaction.query(
    'SELECT 1 FROM processor_account WHERE environment_id = $1 AND id = $2 AND enabled',
    [environmentId, processorAccountId],
  );
  return rows.length === 1;
}
