import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { initializedDirectory, temporaryPlace } from '../postgres/places.ts';
import { findPayment, startGateway, takePayment } from './gateway-process.ts';

const run = promisify(execFile);

interface Taken {
  readonly data: { readonly createPayment: { readonly payment: { readonly id: string; readonly status: string } } };
}

test('the first start shows an address, a key and a curl that takes a payment', async () => {
  const gateway = await startGateway({ TENDER_DATA_DIR: join(temporaryPlace(), 'My Shop') });
  const console = gateway.stdout();
  expect(console).toContain(`${gateway.url}/graphql`);
  expect(gateway.key).toMatch(/^sk_test_.{20,}$/);
  const command = /^ +(curl [^]*?)\n\n/m.exec(console)?.[1] ?? '';
  expect(command).toContain(gateway.key);

  const { data } = await runAsShown(command);
  expect(data.createPayment).toEqual({
    __typename: 'CreatePaymentPayload',
    payment: { id: expect.stringMatching(/^pay_/), status: 'SUCCEEDED', amount: { decimal: '49.99', currency: 'EUR' } },
  });
  const again = await runAsShown(command);
  expect(again.data.createPayment.payment.id).toBe(data.createPayment.payment.id);
});

/** Runs a curl through a shell; on a machine without curl, sends the same request. */
async function runAsShown(command: string): Promise<Taken> {
  try {
    const { stdout } = await run('sh', ['-c', command]);
    return JSON.parse(stdout) as Taken;
  } catch (error) {
    // The shell's "command not found".
    if ((error as { code?: unknown }).code !== 127) throw error;
    const [, url = ''] = /curl -s (\S+)/.exec(command) ?? [];
    const [, body = ''] = /-d '([^']*)'/.exec(command) ?? [];
    const headers = [...command.matchAll(/-H '([^:]+): ([^']*)'/g)].map(([, name = '', value = '']) => [name, value]);
    const response = await fetch(url, { method: 'POST', headers: headers as [string, string][], body });
    return (await response.json()) as Taken;
  }
}

test('the key and the payments stay between starts', async () => {
  const TENDER_DATA_DIR = await initializedDirectory();
  const first = await startGateway({ TENDER_DATA_DIR });
  const payment = await takePayment(first);
  first.child.kill('SIGTERM');
  await first.ended;
  const second = await startGateway({ TENDER_DATA_DIR });
  expect(second.key).toBe(first.key);
  expect(await findPayment(second, payment.id)).toEqual(payment);
});

test('after kill -9 the next start works, and nothing that was answered is lost', async () => {
  const TENDER_DATA_DIR = await initializedDirectory();
  const first = await startGateway({ TENDER_DATA_DIR });
  const payment = await takePayment(first);
  first.child.kill('SIGKILL');
  await first.ended;
  const second = await startGateway({ TENDER_DATA_DIR });
  expect(second.key).toBe(first.key);
  expect(await findPayment(second, payment.id)).toEqual(payment);
  expect(await takePayment(second)).toMatchObject({ status: 'SUCCEEDED' });
});
