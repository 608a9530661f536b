import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which commit a checkout is at: what its .git says, or "unknown" where there is none. */
export function commitOf(checkout: string): string {
  const git = join(checkout, '.git');
  const head = read(join(git, 'HEAD'));
  const ref = /^ref: (\S+)$/.exec(head)?.[1];
  const commit = ref === undefined ? head : read(join(git, ref)) || packed(git, ref);
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit : 'unknown';
}

function packed(git: string, ref: string): string {
  const line = read(join(git, 'packed-refs'))
    .split('\n')
    .find((each) => each.endsWith(` ${ref}`));
  return line?.split(' ')[0] ?? '';
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    // A checkout without .git is an archive or an image: TENDER_COMMIT says what it was made of.
    return '';
  }
}
