import type { ProcessorAccount } from '../../generated/prisma/client.ts';
import { encodeId } from '../domain/ids.ts';
import type { Credentials } from '../processors/account-port.ts';
import type { AuditAct, Audited } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import { changeProcessorAccount, readSealedOtherwise } from '../store/processor-accounts.ts';
import { differenceOf } from './difference.ts';
import type { Keyring } from './keyring.ts';
import { seal, unseal } from './seal.ts';

type AccountKey = Pick<ProcessorAccount, 'environmentId' | 'id'>;

/** The columns that keep an account's credentials. */
export function sealCredentials(
  keyring: Keyring,
  of: AccountKey,
  { secretKey, notificationSecrets }: Credentials,
): Pick<ProcessorAccount, 'credentials' | 'credentialsKeyId' | 'hint'> {
  const text = JSON.stringify({ secretKey, notificationSecrets });
  return {
    credentials: seal(keyring.credentialsKey, placeOf(of), text),
    credentialsKeyId: keyring.id,
    hint: secretKey.slice(-HINT_LENGTH),
  };
}

/** An account's credentials; undefined where they cannot be opened: the secret was changed, or the row was. */
export function openCredentials(keyring: Keyring, account: ProcessorAccount): Credentials | undefined {
  const keys = keyring.all.find(({ id }) => id === account.credentialsKeyId);
  const text = keys && unseal(keys.credentialsKey, placeOf(account), account.credentials);
  return text === undefined ? undefined : (JSON.parse(text) as Credentials);
}

/** What is written down of a change of an account: nothing of its credentials, and no name. */
export function entryOfAccount(act: AuditAct): (before: ProcessorAccount, after: ProcessorAccount) => Audited {
  return (before, after) => ({
    act,
    subject: encodeId('ProcessorAccount', after.id),
    ...differenceOf(before, after, {
      told: ['rawCards', 'enabled', 'credentialsKeyId'],
      named: ['name', 'credentials'],
    }),
  });
}

export interface Resealed {
  readonly resealed: number;
  /** Sealed with a secret that is not known any more. */
  readonly unopened: readonly AccountKey[];
}

/** Seals all credentials with the installation's secret that were sealed with another one, so that the others may go. */
export async function resealCredentials(database: Database, keyring: Keyring): Promise<Resealed> {
  const unopened: AccountKey[] = [];
  const entryOf = entryOfAccount('CREDENTIALS_RESEALED');
  let resealed = 0;
  let after: string | undefined;
  for (;;) {
    const accounts = await readSealedOtherwise(database, keyring.id, { limit: BATCH, after });
    for (const account of accounts) {
      const credentials = openCredentials(keyring, account);
      if (credentials === undefined) {
        unopened.push(account);
        continue;
      }
      const by = { environmentId: account.environmentId, actor: 'command' };
      const changes = sealCredentials(keyring, account, credentials);
      // One that its merchant changes at this moment is sealed by that.
      const outcome = await changeProcessorAccount(database, account, { by, changes, entryOf });
      if (outcome === 'changed') resealed++;
    }
    after = accounts.at(-1)?.id;
    if (after === undefined) return { resealed, unopened };
  }
}

const BATCH = 100;
const HINT_LENGTH = 4;

function placeOf({ environmentId, id }: AccountKey): string {
  return `${environmentId} ${id}`;
}
