import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ViewerDocument } from '../../generated/operations/graphql.ts';
import { encodeId } from '../../src/domain/ids.ts';
import { useGateway } from '../harness/gateway.ts';
import { KeyRing } from '../harness/key-ring.ts';

const gateway = useGateway();
const ring = new KeyRing(gateway);
const PROGRAM = join(import.meta.dirname, '..', '..', 'tools', 'keys.ts');

interface Run {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `npm run keys -- …` does. */
function keys(...args: string[]): Promise<Run> {
  const { PATH = '' } = process.env;
  const env = { PATH, DATABASE_URL: gateway().database.connectionString, TENDER_SECRET: 's'.repeat(32) };
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

const secretIn = (text: string): string => /sk_(?:test|live)_[\w-]{32}/.exec(text)?.[0] ?? '';
const keyIn = (text: string): string => /key_[0-9a-f-]{36}(?=  sk_)/.exec(text)?.[0] ?? '';
const viewed = async (key: string) => {
  const { status, data } = await gateway().request<{ viewer: { mode: string } }>(ViewerDocument, {}, { key });
  return status === 200 ? data?.viewer.mode : status;
};

test('keys are listed, made, rolled and revoked on the gateway’s machine, and it is written down', async () => {
  const { prisma } = gateway().app.gateway.database;
  const shop = await prisma.apiKey.findFirstOrThrow({ where: { name: 'test' } });
  const environment = encodeId('Environment', shop.environmentId);
  const options = ['--environment', environment, '--name', 'CI', '--scopes', 'refund'];
  const created = await keys('create', ...options, '--expires', '2035-01-31');
  expect(created).toMatchObject({ code: 0, stderr: '' });
  const [id, secret] = [keyIn(created.stdout), secretIn(created.stdout)];
  expect(await viewed(secret)).toBe('TEST');
  expect(await ring.read(id)).toMatchObject({
    name: 'CI',
    scopes: ['READ', 'REFUND'],
    expiresAt: '2035-01-31T00:00:00.000Z',
    createdBy: 'command',
  });

  const rolled = await keys('roll', id, '--overlap', '0');
  expect(rolled).toMatchObject({ code: 0, stdout: expect.stringContaining(`${id} goes on until 20`) });
  expect([await viewed(secret), await viewed(secretIn(rolled.stdout))]).toEqual([401, 'TEST']);

  const next = keyIn(rolled.stdout);
  expect(await keys('revoke', next)).toMatchObject({ code: 0, stdout: `${next} is revoked\n` });
  expect(await viewed(secretIn(rolled.stdout))).toBe(401);
  const { stdout } = await keys('list', '--environment', environment);
  expect(stdout).toContain(`${environment}  test  A shop`);
  expect(stdout).toMatch(/active {2}READ,WRITE,REFUND,ADMIN .* test$/m);
  expect(stdout).toMatch(new RegExp(`${next} .* revoked {2}READ,REFUND`));
  expect(stdout).not.toContain('Another shop');
  expect((await ring.log()).slice(0, 3)).toMatchObject([
    { act: 'API_KEY_REVOKED', actor: 'command', subject: next },
    { act: 'API_KEY_ROLLED', actor: 'command', subject: id },
    { act: 'API_KEY_CREATED', actor: 'command', subject: id },
  ]);
});

test('what cannot be done is refused in a line, and how it is used', async () => {
  const run = await keys('roll', 'pay_00000000-0000-0000-0000-000000000000');
  expect(run).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^Give a key: key_…\.\nnpm run keys/),
  });
});
