import { join } from 'node:path';
import { readConfig } from '../src/config.ts';
import { newId } from '../src/new-id.ts';
import { applyMigrations } from '../src/postgres/migrations.ts';
import { addAccount, addKey } from '../src/store/access.ts';
import { openDatabase } from '../src/store/database.ts';

// npm run account -- "My shop": opens an account on the database of DATABASE_URL and prints its keys, once.
const [name] = process.argv.slice(2);
const NAME_LENGTH_MAX = 200;

async function openAccount(databaseUrl: string, accountName: string): Promise<void> {
  await applyMigrations({ database: databaseUrl, directory: join(import.meta.dirname, '..', 'prisma', 'migrations') });
  const database = openDatabase(databaseUrl, { onError: () => undefined, poolSize: 1 });
  try {
    const { test, live } = await addAccount(database, { name: accountName, newId });
    for (const environment of [test, live]) {
      const secret = await addKey(database, { id: newId(), environment, name: 'First key' });
      process.stdout.write(`${environment.mode.toLowerCase()} key  ${secret}\n`);
    }
    process.stdout.write('Keep them: they cannot be shown again.\n');
  } finally {
    await database.close();
  }
}

try {
  const { databaseUrl } = readConfig();
  if (databaseUrl === undefined) throw new Error('Set DATABASE_URL: the embedded database has its demo account.');
  if (name === undefined || name === '' || name.length > NAME_LENGTH_MAX) {
    throw new Error(`Give the account a name of at most ${NAME_LENGTH_MAX} characters: npm run account -- "My shop"`);
  }
  await openAccount(databaseUrl, name);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
