import { Prisma, type PaymentMethod, type ProcessorAccount } from '../../generated/prisma/client.ts';
import type { Database } from './database.ts';
import { transact, type SetBased, type Transaction } from './transaction.ts';

type NewAccount = Omit<ProcessorAccount, 'enabled' | 'createdAt' | 'updatedAt' | 'updatedBy'>;

/**
 * Adds an account with a processor, unless the environment has so many, or one of this name. Requests at once are counted
 * one after the other: they lock the environment, in a way that payments do not mind.
 */
export async function addProcessorAccount(
  database: Database,
  account: NewAccount,
  limit: number,
): Promise<'added' | 'name_taken' | 'too_many'> {
  const { environmentId, id, name, processor, credentials, credentialsKeyId, hint, rawCards, createdBy } = account;
  return transact(database, async (transaction) => {
    await transaction.query('SELECT 1 FROM environment WHERE id = $1 FOR NO KEY UPDATE', [environmentId]);
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
      [environmentId, id, name, processor, Buffer.from(credentials), credentialsKeyId, hint, rawCards, createdBy],
    );
    // Taken by one that was renamed meanwhile.
    return added.length === 0 ? { commit: false, value: 'name_taken' } : { commit: true, value: 'added' };
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
    'SELECT * FROM processor_account WHERE environment_id = ANY($1::uuid[]) AND enabled ORDER BY id',
    [[...new Set(environmentIds)]],
  );
  const groups = Map.groupBy(rows, (row) => row.environmentId);
  return environmentIds.map((environmentId) => groups.get(environmentId) ?? []);
};

/** How many accounts there are, in all environments, whose credentials were sealed with none of these keys. */
export async function countSealedOtherwise({ prisma }: Database, keyIds: readonly string[]): Promise<number> {
  return prisma.processorAccount.count({ where: { credentialsKeyId: { notIn: [...keyIds] } } });
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

/**
 * Changes an account. Its credentials are sealed as a whole: they are not changed where they were since the account was
 * read, so that none is lost that was put in meanwhile. How they are sealed is never the same twice.
 */
export async function changeProcessorAccount(
  { prisma }: Database,
  { environmentId, id, credentials }: ProcessorAccount,
  data: Partial<ProcessorAccount>,
): Promise<'changed' | 'overtaken' | 'name_taken'> {
  try {
    const where = { environmentId, id, ...(data.credentials && { credentials }) };
    const { count } = await prisma.processorAccount.updateMany({ where, data });
    return count === 1 ? 'changed' : 'overtaken';
  } catch (error) {
    if (isNameTaken(error)) return 'name_taken';
    throw error;
  }
}

function isNameTaken(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
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
