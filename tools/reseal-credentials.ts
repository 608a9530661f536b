import { readConfig } from '../src/config.ts';
import { encodeId } from '../src/domain/ids.ts';
import { resealCredentials } from '../src/payments/credentials.ts';
import { createKeyring } from '../src/payments/keyring.ts';
import { openDatabase } from '../src/store/database.ts';

// npm run reseal-credentials: seals the credentials of all processor accounts with TENDER_SECRET that were sealed with one of
// TENDER_OTHER_SECRETS. It may run beside gateways that have both, and as often as anyone likes.

async function reseal(databaseUrl: string, secret: string, otherSecrets: readonly string[]): Promise<void> {
  const database = openDatabase(databaseUrl, { onError: () => undefined, poolSize: 1 });
  try {
    const { resealed, unopened } = await resealCredentials(database, createKeyring(secret, otherSecrets));
    process.stdout.write(`${resealed} sealed anew\n`);
    for (const { environmentId, id } of unopened) {
      const place = `${encodeId('ProcessorAccount', id)} of ${encodeId('Environment', environmentId)}`;
      process.stderr.write(`${place} was sealed with another secret: its credentials have to be given anew\n`);
    }
    if (unopened.length > 0) process.exitCode = 1;
  } finally {
    await database.close();
  }
}

try {
  const { databaseUrl, secret, otherSecrets } = readConfig();
  if (databaseUrl === undefined || secret === undefined) {
    throw new Error('Set DATABASE_URL and TENDER_SECRET, and TENDER_OTHER_SECRETS, as for the gateway.');
  }
  await reseal(databaseUrl, secret, otherSecrets);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
