/**
 * Writes what is generated and not committed: the Prisma client and Pothos's types of it, and the types of the
 * tests' and the examples' GraphQL operations. `all` first prints the schema to schema.graphql, which is committed.
 *
 *   node tools/generate.mjs client|all              writes it anew
 *   node tools/generate.mjs --if-stale client|all   only what is older than what it is made of; never schema.graphql,
 *                                                   so that a test can find the committed one out of date
 *
 * Nothing here needs a network. It is JavaScript, and asks for its version before anything else, because it is
 * the first thing to run on a machine whose Node may be too old for TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const GENERATED = join(ROOT, 'generated');
const SCHEMA_GRAPHQL = join(ROOT, 'schema.graphql');

const USAGE = 'usage: node tools/generate.mjs [--if-stale] client|all';

/** A directory of a run that was killed is left alone for so long: it may belong to one that still works. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/** The Prisma client and the Pothos types. */
const CLIENT = {
  stamp: join(GENERATED, 'client.stamp'),
  outputs: [join(GENERATED, 'prisma', 'client.ts'), join(GENERATED, 'pothos.ts')],
  inputs: () => ['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'].map((path) => join(ROOT, path)),
  generate: generateClient,
};

/** The types of the GraphQL operations that tests and examples send. */
const OPERATIONS = {
  stamp: join(GENERATED, 'operations.stamp'),
  outputs: ['operations', 'examples'].map((name) => join(GENERATED, name, 'index.ts')),
  inputs: () => [...operationDocuments(), SCHEMA_GRAPHQL, join(ROOT, 'codegen.ts'), join(ROOT, 'package-lock.json')],
  generate: generateOperations,
};

/** @param {string[]} words the words of the command line */
async function main(words) {
  const ifStale = words.includes('--if-stale');
  const [what, ...rest] = words.filter((word) => word !== '--if-stale');
  if ((what !== 'client' && what !== 'all') || rest.length > 0) throw new Error(USAGE);
  if (!ifStale || isStale(CLIENT)) await run(CLIENT);
  if (what === 'client') return;
  if (!ifStale) await printSchema();
  // Codegen takes an empty set of operations for a mistake.
  if (operationDocuments().length === 0) return;
  if (!ifStale || isStale(OPERATIONS)) await run(OPERATIONS);
}

function isStale(step) {
  if (!existsSync(step.stamp) || !step.outputs.every((path) => existsSync(path))) return true;
  return readFileSync(step.stamp, 'utf8') !== fingerprint(step.inputs());
}

/** Two commands may do this at once: each works in a directory of its own, and no reader ever finds a file half written. */
async function run(step) {
  // Before, not after: an input that changes meanwhile leaves a stamp that is out of date.
  const stamp = fingerprint(step.inputs());
  mkdirSync(GENERATED, { recursive: true });
  removeAbandoned();
  const workspace = mkdtempSync(join(GENERATED, '.new-'));
  try {
    const output = join(workspace, 'generated');
    mkdirSync(output);
    await step.generate(workspace, output);
    rmSync(step.stamp, { force: true });
    for (const name of readdirSync(output)) publish(join(output, name), join(GENERATED, name));
    replaceFile(step.stamp, stamp);
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

function generateClient(workspace) {
  // The schema names its outputs relative to itself, so a copy of it writes beside the copy.
  mkdirSync(join(workspace, 'prisma'));
  copyFileSync(join(ROOT, 'prisma', 'schema.prisma'), join(workspace, 'prisma', 'schema.prisma'));
  const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js');
  const { status, error, stdout, stderr } = spawnSync(
    process.execPath,
    [prisma, 'generate', '--no-hints', '--schema', join(workspace, 'prisma', 'schema.prisma')],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: {
        ...process.env,
        // Prisma starts the generator of Pothos's types by its name.
        PATH: [join(ROOT, 'node_modules', '.bin'), dirname(process.execPath), process.env.PATH].join(delimiter),
        CHECKPOINT_DISABLE: '1',
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
      },
    },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`prisma generate failed:\n${stdout}${stderr}`);
}

async function printSchema() {
  const { printedSchema } = await import('./print-schema.ts');
  const printed = printedSchema();
  if (existsSync(SCHEMA_GRAPHQL) && readFileSync(SCHEMA_GRAPHQL, 'utf8') === printed) return;
  replaceFile(SCHEMA_GRAPHQL, printed);
}

async function generateOperations(_workspace, output) {
  const [{ generate }, { default: config }] = await Promise.all([
    import('@graphql-codegen/cli'),
    import('../codegen.ts'),
  ]);
  const files = await generate({ ...config, cwd: ROOT, silent: true }, false);
  for (const { filename, content } of files) {
    const path = join(dirname(output), filename);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

/** The documents that codegen.ts names. */
function operationDocuments() {
  return [join(ROOT, 'test', 'api', 'operations'), join(ROOT, 'examples')].flatMap((directory) => {
    if (!existsSync(directory)) return [];
    const names = readdirSync(directory, { recursive: true }).filter((name) => name.endsWith('.graphql'));
    return names.toSorted().map((name) => join(directory, name));
  });
}

/** @param {string[]} paths files, which are told apart by name and content */
function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = readFileSync(path);
    hash.update(`${path.slice(ROOT.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Makes `to` the same as `from`, file by file. What has not changed keeps its time stamp, which caches go by. */
function publish(from, to) {
  if (!statSync(from).isDirectory()) {
    if (!existsSync(to) || !readFileSync(from).equals(readFileSync(to))) renameSync(from, to);
    return;
  }
  mkdirSync(to, { recursive: true });
  const names = readdirSync(from);
  for (const name of names) publish(join(from, name), join(to, name));
  for (const name of readdirSync(to)) {
    if (!names.includes(name)) rmSync(join(to, name), { recursive: true, force: true });
  }
}

/** Writes a file in one step, for whoever reads it at the same time. */
function replaceFile(path, content) {
  const written = `${path}.${process.pid}.new`;
  writeFileSync(written, content);
  renameSync(written, path);
}

function removeAbandoned() {
  for (const name of readdirSync(GENERATED)) {
    const path = join(GENERATED, name);
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (name.startsWith('.new-') && mtimeMs !== undefined && mtimeMs < Date.now() - ABANDONED_AFTER_MS) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(
    `Tender needs Node 24 or newer, and this is ${process.versions.node}. npm installs one for Linux on x64 and ` +
      'arm64, which npm scripts run on; elsewhere install it yourself.',
  );
  process.exitCode = 1;
} else {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
