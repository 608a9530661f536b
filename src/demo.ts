import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Demo } from './http/explorer.ts';
import { createCustomer } from './payments/customer.ts';
import { createPayment } from './payments/create.ts';
import type { Caller, Gateway } from './payments/gateway.ts';
import { addAccount, addKey, findKey } from './store/access.ts';

/** What the embedded default keeps beside its database, each file for its owner's eyes only. */
const KEY_FILE = 'demo-key';
const SECRET_FILE = 'secret';

/** The secret of a data directory, made on its first start. */
export async function readOrMakeSecret(directory: string): Promise<string> {
  const secret = await readOrMake(join(directory, SECRET_FILE), () => randomBytes(32).toString('base64url'));
  if (secret.length < 32) throw new Error(`${join(directory, SECRET_FILE)} is damaged: it holds too short a secret.`);
  return secret;
}

/**
 * The demo account of a data directory: made on its first start, with a test key and one payment to look at.
 * A key file whose database is gone is made anew.
 */
export async function readOrMakeDemo(gateway: Gateway, directory: string): Promise<Demo> {
  const file = join(directory, KEY_FILE);
  const kept = await readOptional(file);
  const owner = kept === undefined ? undefined : await findKey(gateway.database, kept);
  if (kept !== undefined && owner !== undefined) return { key: kept, environmentId: owner.environmentId };
  const { test } = await addAccount(gateway.database, {
    name: 'Demo',
    newId: gateway.newId,
    createdBy: 'gateway',
  });
  const id = gateway.newId();
  const key = await addKey(gateway.database, { id, environment: test, name: 'Demo', createdBy: 'gateway' });
  await writePrivately(file, key);
  await takeSamplePayment(gateway, {
    environmentId: test.id,
    mode: 'TEST',
    principal: 'merchant',
    actor: `key_${id}`,
    payer: null,
    schedules: true,
  });
  return { key, environmentId: test.id };
}

async function takeSamplePayment(gateway: Gateway, caller: Caller): Promise<void> {
  const customer = await createCustomer(gateway, caller, {
    fields: { email: 'jenny@example.com', firstName: 'Jenny', lastName: 'Rosen', country: 'DE' },
  });
  const taken = await createPayment(gateway, caller, {
    idempotencyKey: 'sample',
    amount: 4999n,
    currency: 'EUR',
    customerId: customer.ok ? customer.value.id : null,
    paymentMethodId: null,
    card: {
      number: '4242424242424242',
      expMonth: 12,
      expYear: gateway.now().getUTCFullYear() + 8,
      cvc: '123',
      holderName: 'Jenny Rosen',
    },
    captureMethod: 'AUTOMATIC',
    initiator: 'CUSTOMER',
    offSession: false,
    destinations: [
      {
        type: 'ORDER',
        id: 'ord_1',
        number: '1',
        amount: 4999n,
        invoiceId: null,
        purchaseId: null,
        subscriptionId: null,
        billingPeriodId: null,
      },
    ],
    description: 'A first payment to look at',
    statementDescriptor: null,
    returnUrl: null,
    metadata: {},
    customer: null,
    billingAddress: null,
    tax: null,
    applicationFee: null,
    attemptMetadata: {},
    paymentDate: null,
    expiresAt: null,
    active: true,
    process: true,
  });
  if (!taken.ok) throw new Error(`the sample payment was refused: ${taken.failure.message}`);
}

async function readOrMake(file: string, make: () => string): Promise<string> {
  const kept = await readOptional(file);
  if (kept !== undefined) return kept;
  const made = make();
  await writePrivately(file, made);
  return made;
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all: a start that is killed leaves no half file. */
async function writePrivately(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, `${text}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
