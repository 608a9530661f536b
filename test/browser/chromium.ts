import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** A name of someone else's, which leads to this machine: what DNS rebinding does. */
export const FOREIGN_NAME = 'shop.example';

const HOW_TO_GET_IT =
  'These tests need Chromium, and there is none. Install it (Debian: apt-get install chromium), or name one: CHROMIUM=/path/to/chromium npm run test:browser';

/** Starts the machine's Chromium, without a window and with an empty profile. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: [
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP ${FOREIGN_NAME} 127.0.0.1`,
      // Root cannot have Chromium's sandbox; the only page it opens is ours.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
}

/** @throws an error that says how to get it */
function findChromium(): string {
  const named = process.env['CHROMIUM'];
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const candidates = named ? [named] : directories.flatMap((directory) => NAMES.map((name) => join(directory, name)));
  const found = candidates.find((path) => isProgram(path));
  if (found === undefined) throw new Error(named ? `CHROMIUM: there is no program ${named}` : HOW_TO_GET_IT);
  return found;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
