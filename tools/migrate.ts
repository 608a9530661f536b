import { join } from 'node:path';
import { ConfigError, readConfig } from '../src/config.ts';
import { DatabaseSetupError } from '../src/postgres/errors.ts';
import { applyMigrations } from '../src/postgres/migrations.ts';

/** Applies the migrations that the operator's database lacks: npm run migrate. Gateways may run meanwhile. */

const DIRECTORY = join(import.meta.dirname, '..', 'prisma', 'migrations');

try {
  const { databaseUrl } = readConfig();
  if (databaseUrl === undefined) {
    throw new ConfigError('DATABASE_URL: has to be set. The embedded database is migrated by every start.');
  }
  const applied = await applyMigrations({ database: databaseUrl, directory: DIRECTORY });
  for (const name of applied) process.stdout.write(`applied ${name}\n`);
  if (applied.length === 0) process.stdout.write('The database has every migration already.\n');
} catch (error) {
  const isExpected = error instanceof ConfigError || error instanceof DatabaseSetupError;
  process.stderr.write(`${isExpected ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exitCode = 1;
}
