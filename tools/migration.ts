/**
 * Writes the next migration: what has changed in prisma/schema.prisma since the last one.
 *
 *   node tools/migration.ts <name>           writes prisma/migrations/<timestamp>_<name>/migration.sql
 *   node tools/migration.ts --empty <name>   writes an empty one, for SQL that Prisma cannot express
 *   node tools/migration.ts --check          fails, and prints the difference, when a migration is missing
 *
 * The difference is Prisma's own work, by its engine in WebAssembly: it replays the migrations in a
 * database made for the purpose and compares. CHECK constraints, partial indexes, triggers and
 * functions written by hand are no difference to it, and neither is their loss.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { Client, Pool, types, type QueryArrayResult } from 'pg';
import type { Connection } from '../src/postgres/connection.ts';
import { startTemporaryCluster } from '../src/postgres/temporary.ts';

const PRISMA_DIRECTORY = join(import.meta.dirname, '..', 'prisma');

/** Nothing is managed outside of the schema. */
const FILTERS = { externalTables: [], externalEnums: [] };

/** Prisma's note of the kind of database, which its tools want to find beside the migrations. */
const LOCKFILE = 'provider = "postgresql"\n';

/** PostgreSQL's "char", a single byte, which `pg` has no name for. */
const OID_CHAR = 18;

/** The exit code with which the engine's diff says that there is a difference. */
const DIFFERENT = 2;

/**
 * The SQL that leads from the migrations to the schema, or undefined when they agree.
 *
 * @param prismaDirectory holds schema.prisma and migrations/
 * @param connection to a server where databases can be made; one is left there
 */
export async function nextMigration(prismaDirectory: string, connection: Connection): Promise<string | undefined> {
  const schemaPath = join(prismaDirectory, 'schema.prisma');
  const engine = await startEngine(connection);
  const { exitCode, stdout } = await engine.diff({
    from: { tag: 'migrations', ...listMigrations(join(prismaDirectory, 'migrations')) },
    to: { tag: 'schemaDatamodel', files: [{ path: schemaPath, content: readFileSync(schemaPath, 'utf8') }] },
    script: true,
    exitCode: true,
    filters: FILTERS,
  });
  return exitCode === DIFFERENT ? (stdout ?? '') : undefined;
}

/** The migrations in the form that the engine takes. */
export function listMigrations(directory: string): MigrationList {
  const lockfile = join(directory, 'migration_lock.toml');
  const names = existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    : [];
  return {
    baseDir: directory,
    lockfile: {
      path: 'migration_lock.toml',
      content: existsSync(lockfile) ? readFileSync(lockfile, 'utf8') : LOCKFILE,
    },
    shadowDbInitScript: '',
    migrationDirectories: names.toSorted().map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(directory, name, 'migration.sql'), 'utf8') },
      },
    })),
  };
}

/** Prisma's schema engine on a database. Its shadow databases stay until the cluster goes. */
export async function startEngine(connection: Connection): Promise<SchemaEngine> {
  const adapters: SqlMigrationAwareDriverAdapterFactory = {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    connect: () => connectAdapter(connection),
    connectToShadowDb: async () => {
      // The adapter's own shadow database cannot be dropped again, and holds on to its connections.
      const database = `shadow_${crypto.randomUUID()}`;
      const client = new Client(connection);
      await client.connect();
      await client.query(`CREATE DATABASE "${database}"`);
      await client.end();
      return connectAdapter({ ...connection, database });
    },
  };
  loadEngine();
  return bindings.SchemaEngine.new({ datamodels: undefined }, () => {}, bindMigrationAwareSqlAdapterFactory(adapters));
}

let engineIsLoaded = false;

/** Instantiates the module by hand: importing it works too, with a warning that it is experimental. */
function loadEngine(): void {
  // The bindings keep views of the instance's memory; a second instance would be read through them.
  if (engineIsLoaded) return;
  engineIsLoaded = true;
  // A panic would otherwise hide behind a failure to report it.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message(message: string) {
        throw new Error(`Prisma's schema engine failed: ${message}`);
      },
    },
  });
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm');
  const bytes = readFileSync(join(dirname(entry), 'schema_engine_bg.wasm'));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    './schema_engine_bg.js': bindings as unknown as WebAssembly.ModuleImports,
  });
  (bindings as unknown as { __wbg_set_wasm(exports: WebAssembly.Exports): void }).__wbg_set_wasm(instance.exports);
  (instance.exports as { __wbindgen_start(): void }).__wbindgen_start();
}

/** Prisma's adapter, with two faults of 7.10.1 mended. */
async function connectAdapter(connection: Connection): Promise<SqlDriverAdapter> {
  const pool = new Pool({ ...connection, allowExitOnIdle: true });
  pool.on('error', () => {});
  // It refuses results with a column of the type "char", which the catalogue of constraints has:
  // let it take them for text, and tell the engine what they are.
  const charColumns = new WeakMap<unknown[], number[]>();
  const query = pool.query.bind(pool) as unknown as (request: unknown) => Promise<QueryArrayResult>;
  pool.query = async (request: unknown) => {
    const { fields, rows, ...rest } = await query(request);
    charColumns.set(
      rows,
      fields.flatMap(({ dataTypeID }, index) => (dataTypeID === OID_CHAR ? [index] : [])),
    );
    const readable = fields.map((field) =>
      field.dataTypeID === OID_CHAR ? { ...field, dataTypeID: types.builtins.TEXT } : field,
    );
    return { ...rest, rows, fields: readable };
  };
  const adapter = await new PrismaPg(pool, { disposeExternalPool: true }).connect();
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (request) => {
    const result = await queryRaw(request);
    for (const index of charColumns.get(result.rows) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  // It splits scripts at each semicolon, also those in functions, strings and comments.
  adapter.executeScript = async (script) => {
    const client = await pool.connect();
    await client.query(script).finally(() => client.release());
  };
  return adapter;
}

function writeMigration(directory: string, name: string, script: string): string {
  const timestamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const file = join(directory, `${timestamp}_${name}`, 'migration.sql');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, script);
  const lockfile = join(directory, 'migration_lock.toml');
  if (!existsSync(lockfile)) writeFileSync(lockfile, LOCKFILE);
  return file;
}

function command(): { name: string; empty: boolean } | 'check' {
  const { values, positionals } = parseArgs({
    options: { check: { type: 'boolean', default: false }, empty: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  if (values.check && positionals.length === 0) return 'check';
  const name = positionals
    .join('_')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  if (values.check || name === '') throw new Error('usage: node tools/migration.ts [--empty] <name> | --check');
  return { name, empty: values.empty };
}

async function main(): Promise<number> {
  const wanted = command();
  const cluster = await startTemporaryCluster();
  let script: string | undefined;
  try {
    script = await nextMigration(PRISMA_DIRECTORY, cluster.connection);
  } finally {
    await cluster.stop();
  }
  if (wanted === 'check') {
    if (script === undefined) return 0;
    console.error(`prisma/schema.prisma has changes without a migration (npm run migration -- <name>):\n\n${script}`);
    return 1;
  }
  if (script === undefined && !wanted.empty) {
    console.error('prisma/schema.prisma has no changes; --empty writes a migration for SQL of your own');
    return 1;
  }
  const file = writeMigration(join(PRISMA_DIRECTORY, 'migrations'), wanted.name, script ?? '');
  console.log(`Wrote ${relative(process.cwd(), file)}: read it, and add what Prisma cannot express`);
  return 0;
}

if (import.meta.main) {
  // An exit, unlike the signal itself, lets the cluster be told to end.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
