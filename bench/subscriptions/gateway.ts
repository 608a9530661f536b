import { Session } from 'node:inspector/promises';
import { writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { startApp } from '../../src/app.ts';
import { TRANSPORT_RATES } from '../../src/domain/transport-limits.ts';
import { encodeId } from '../../src/domain/ids.ts';
import type { Result } from '../../src/domain/result.ts';
import { newId } from '../../src/new-id.ts';
import { createCustomer } from '../../src/payments/customer.ts';
import { createPayment } from '../../src/payments/create.ts';
import type { Failure } from '../../src/payments/failure.ts';
import type { Caller } from '../../src/payments/gateway.ts';
import { createPaymentMethod } from '../../src/payments/payment-method.ts';
import { updatePayment } from '../../src/payments/update.ts';
import type { Connection } from '../../src/postgres/connection.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import { nowMs, serve, usage } from './process.ts';

/** The gateway under measurement. What it writes goes the way of a mutation, from the command on. */
export type GatewayCalls = typeof calls;

/** A change that was committed. */
export interface Written {
  /** Whose payment, counted from 0. */
  readonly index: number;
  readonly sequence: number;
  /** When the commit had returned. */
  readonly committedAtMs: number;
}

/** So many payments are made at once. */
const AT_ONCE = 8;
const A_DAY_MS = 86_400_000;

let app: Awaited<ReturnType<typeof startApp>>;
let caller: Caller;
const payments: { readonly id: string; date: Date | null; writing: Promise<unknown> }[] = [];
const session = new Session();

const calls = {
  async start({ database, payments: count }: { database: Connection; payments: number }) {
    app = await startApp({
      database,
      secret: 'a secret of the benchmark that has more than 32 characters',
      host: '127.0.0.1',
      port: 0,
      log: pino({ level: 'warn' }, process.stderr),
      // All subscribers come with one key, at once.
      transport: { rates: { ...TRANSPORT_RATES, key: { count: 100_000, windowMs: 1_000, burst: 100_000 } } },
    });
    const { database: own } = app.gateway;
    const { test } = await addAccount(own, { name: 'A shop', newId });
    const key = await addKey(own, { id: newId(), environment: test, name: 'a key' });
    caller = {
      environmentId: test.id,
      mode: 'TEST',
      principal: 'merchant',
      actor: 'the benchmark',
      payer: null,
      schedules: true,
    };
    const paymentMethodId = await storeCard();
    let made = 0;
    const worker = async (): Promise<void> => {
      while (made++ < count) {
        payments.push({ id: await makePayment(paymentMethodId), date: null, writing: Promise.resolve() });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return {
      url: `${app.server.url}/graphql`,
      key,
      paymentIds: payments.map(({ id }) => encodeId('Payment', id)),
    };
  },
  usage,
  write: ({ index }: { index: number }): Promise<Written> => write(index),
  /** Changes payments at random, of the first so many, and so many in a second. */
  async writeEach({ of, count, perSecond }: { of: number; count: number; perSecond: number }): Promise<Written[]> {
    const writes: Promise<Written>[] = [];
    const begun = nowMs();
    for (let index = 0; index < count; index++) {
      const wait = begun + (index * 1_000) / perSecond - nowMs();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      writes.push(write(Math.floor(Math.random() * of)));
    }
    return Promise.all(writes);
  },
  async startProfile(): Promise<void> {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
  },
  async stopProfile(file: string): Promise<void> {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    writeFileSync(file, JSON.stringify(profile));
  },
};

/** One change of a payment, which is one event: a date is set, or taken away. */
async function write(index: number): Promise<Written> {
  const payment = payments[index];
  if (payment === undefined) throw new Error(`there is no payment ${index}`);
  let committedAtMs = 0;
  const eventsAppended = (): void => {
    committedAtMs = nowMs();
    app.gateway.eventsAppended();
  };
  const written = payment.writing.then(() => {
    payment.date = payment.date === null ? new Date(Date.now() + A_DAY_MS) : null;
    const input = { paymentId: payment.id, paymentDate: payment.date };
    return updatePayment({ ...app.gateway, eventsAppended }, caller, input);
  });
  payment.writing = written;
  const { sequence } = done(await written);
  return { index, sequence, committedAtMs };
}

async function storeCard(): Promise<string> {
  const { id } = done(await createCustomer(app.gateway, caller, { fields: {} }));
  const expYear = new Date().getUTCFullYear() + 5;
  const card = { number: '4242424242424242', expMonth: 12, expYear, cvc: '123', holderName: null };
  return done(await createPaymentMethod(app.gateway, caller, { customerId: id, source: { card } })).id;
}

async function makePayment(paymentMethodId: string): Promise<string> {
  const { payment } = done(
    await createPayment(app.gateway, caller, {
      idempotencyKey: newId(),
      amount: 4999n,
      currency: 'EUR',
      customerId: null,
      customer: null,
      paymentMethodId,
      card: null,
      captureMethod: 'AUTOMATIC',
      initiator: 'CUSTOMER',
      offSession: false,
      destinations: [],
      description: null,
      statementDescriptor: null,
      returnUrl: null,
      metadata: null,
      billingAddress: null,
      tax: null,
      applicationFee: null,
      attemptMetadata: null,
      paymentDate: null,
      expiresAt: null,
      active: true,
      process: false,
    }),
  );
  return payment.id;
}

function done<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

serve(calls);
