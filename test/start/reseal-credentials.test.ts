import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FarProcessor } from '../harness/far-processor.ts';
import { SECRET, startGateway } from '../harness/gateway.ts';
import { MerchantAccounts } from '../harness/merchant-accounts.ts';

const NEXT_SECRET = 'the next secret of the tests, which has 32 characters';
const PROGRAM = join(import.meta.dirname, '..', '..', 'tools', 'reseal-credentials.ts');

interface Run {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `npm run reseal-credentials` does. */
function reseal(variables: Record<string, string>): Promise<Run> {
  const { PATH = '' } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM], { env: { PATH, ...variables } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

test('credentials are sealed anew with the next secret, beside the gateway, and the old one may go', async () => {
  const far = new FarProcessor();
  const before = await startGateway({ connectors: [far] });
  const old = [new MerchantAccounts(() => before), new MerchantAccounts(() => before, 'other')];
  const accounts = await Promise.all(old.map((merchant) => merchant.open()));
  await before.app.close();
  const both = await startGateway({ connectors: [far], secret: NEXT_SECRET, otherSecrets: [SECRET] }, before);
  expect(both.logged.map(({ msg }) => msg)).not.toContainEqual(expect.stringMatching(/sealed/));
  await new MerchantAccounts(() => both).open();

  const DATABASE_URL = both.database.connectionString;
  const variables = { DATABASE_URL, TENDER_SECRET: NEXT_SECRET };
  const without = await reseal(variables);
  expect(without).toMatchObject({ code: 1, stdout: '0 sealed anew\n' });
  for (const { id } of accounts) expect(without.stderr).toContain(id);
  const withBoth = { ...variables, TENDER_OTHER_SECRETS: SECRET };
  expect(await reseal(withBoth)).toMatchObject({ code: 0, stdout: '2 sealed anew\n' });
  expect(await reseal(withBoth)).toMatchObject({ code: 0, stdout: '0 sealed anew\n' });
  expect(await new MerchantAccounts(() => both).test(accounts[0]?.id ?? '')).toMatchObject({ result: 'GOOD' });
  await both.app.close();

  const after = await startGateway({ connectors: [far], secret: NEXT_SECRET }, before);
  onTestFinished(() => after.close());
  expect(after.logged.map(({ msg }) => msg)).not.toContainEqual(expect.stringMatching(/sealed/));
  for (const [index, key] of (['test', 'other'] as const).entries()) {
    const merchant = new MerchantAccounts(() => after, key);
    expect(await merchant.test(accounts[index]?.id ?? '')).toMatchObject({ result: 'GOOD' });
    expect(await merchant.list()).toContainEqual({
      ...accounts[index],
      notificationUrl: expect.stringContaining(after.app.server.url),
    });
  }
});

test('without a database there is nothing to be sealed anew', async () => {
  expect(await reseal({})).toMatchObject({ code: 1, stderr: expect.stringContaining('Set DATABASE_URL') });
});
