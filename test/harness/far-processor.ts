import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import type {
  AccountCheck,
  AccountProcessor,
  Connector,
  Credentials,
  NotificationReading,
  TokenDescription,
} from '../../src/processors/account-port.ts';
import type { Processor, ProcessorLimits } from '../../src/processors/port.ts';
import { FarBook, TOKENS } from './far-book.ts';
import { Interposed } from './interposed.ts';

export const NOTIFICATION_SECRET = 'whsec_of_the_far_processor';

const SIGNATURE_MAX_AGE_MS = 300_000;

/** A notification as it is sent: the body, and what its header says. */
export interface SignedNotification {
  readonly body: Buffer;
  readonly signature: string;
}

/**
 * A processor outside, as its connector sees it: merchants with keys and books of their own, and signed notifications. A key
 * reads "sk_test_<merchant>_<anything>", so that a merchant has as many as it likes. A test says what goes wrong.
 */
export class FarProcessor implements Connector {
  readonly name = 'stripe';
  readonly severalCaptures = false;
  readonly signatureHeader = 'far-signature';
  readonly limits: ProcessorLimits;
  /** What becomes of the calls that move money, or ask about them. */
  readonly calls = new Interposed();
  /** What happens before a card number is taken: between two attempts of one request, for instance. */
  beforeCard: () => Promise<void> = () => Promise.resolve();
  /** Keys that it does not take. */
  readonly refused = new Set<string>();
  /** What becomes of questions about keys and tokens: answered, not to be had, or broken off, or left hanging. */
  questions: 'answered' | 'unreachable' | 'broken' | 'hanging' = 'answered';
  readonly #books = new Map<string, FarBook>();

  constructor(limits: Partial<ProcessorLimits> = {}) {
    this.limits = { callTimeoutMs: 10_000, inFlightWindowMs: 200, keyRetentionMs: 30 * 24 * 3_600_000, ...limits };
  }

  /** What it has on record of a merchant. */
  book(merchant: string): FarBook {
    const book = this.#books.get(merchant) ?? new FarBook();
    this.#books.set(merchant, book);
    return book;
  }

  refusesAmount(): undefined {
    return undefined;
  }

  refusesCredentials({ secretKey }: Credentials, mode: 'TEST' | 'LIVE'): string | undefined {
    return secretKey.startsWith(`sk_${mode.toLowerCase()}_`) ? undefined : `This is no key for ${mode} payments.`;
  }

  connect(credentials: Credentials, { rawCards }: { readonly rawCards: boolean }): AccountProcessor {
    const merchant = credentials.secretKey.split('_')[2] ?? '';
    return {
      ...this.calls.processor(this.#processorOf(merchant, rawCards)),
      check: () => this.#ask<AccountCheck>(this.#checkOf(credentials), { kind: 'unreachable' }),
      describeToken: (token) => this.#ask<TokenDescription>(describe(merchant, token), { kind: 'not_sent' }),
      readNotification: (body, signature, now) => read(credentials, body, signature, now),
    };
  }

  /** A notification of something that happened to these, signed as it goes out. */
  notification(
    references: readonly string[],
    { id = `evt_${randomUUID()}`, secret = NOTIFICATION_SECRET, at = new Date() } = {},
  ): SignedNotification {
    return sign(Buffer.from(JSON.stringify({ id, type: 'charge.updated', references })), { secret, at });
  }

  #processorOf(merchant: string, rawCards: boolean): Processor {
    const book = this.book(merchant);
    return {
      name: this.name,
      limits: this.limits,
      severalCaptures: this.severalCaptures,
      refusesAmount: () => undefined,
      tokenize: async () => {
        await this.beforeCard();
        return rawCards
          ? { kind: 'tokenized', token: TOKENS.good, brand: 'VISA', country: 'DE' }
          : { kind: 'misconfigured', message: 'This account takes tokens only.' };
      },
      charge: (request) => book.charge(request),
      capture: (request) => Promise.resolve(book.capture(request)),
      void: (request) => Promise.resolve(book.void(request)),
      refund: (request) => Promise.resolve(book.refund(request)),
      lookUpCharge: (request) => Promise.resolve(book.lookUpCharge(request)),
      lookUpMovement: (request) => Promise.resolve(book.lookUpMovement(request)),
      statement: (from, until) => Readable.from(book.statement(from, until)),
    };
  }

  #checkOf({ secretKey }: Credentials): AccountCheck {
    return this.refused.has(secretKey) ? { kind: 'refused', message: 'The key is not known.' } : { kind: 'good' };
  }

  #ask<T>(answer: T, unreachable: T): Promise<T> {
    if (this.questions === 'hanging') return new Promise(() => {});
    if (this.questions === 'broken') return Promise.reject(new Error('the connection broke'));
    return Promise.resolve(this.questions === 'answered' ? answer : unreachable);
  }
}

/** A body and its signature, right or not. */
export function sign(body: Buffer, { secret = NOTIFICATION_SECRET, at = new Date() } = {}): SignedNotification {
  const time = String(at.getTime());
  return { body, signature: `${time}.${macOf(secret, time, body).toString('hex')}` };
}

function macOf(secret: string, time: string, body: Buffer): Buffer {
  return createHmac('sha256', secret).update(`${time}.`).update(body).digest();
}

/** Tokens belong to one merchant: "pm_good" to everybody, "pm_good_shop" to "shop" alone; also "cus_1-pm_good". */
function describe(merchant: string, token: string): TokenDescription {
  const [, kind, owner = merchant] = (token.split('-').at(-1) ?? '').split('_');
  if (owner !== merchant || !(`pm_${kind}` in DESCRIBED))
    return { kind: 'refused', message: 'There is no such token.' };
  return {
    kind: 'card',
    brand: 'VISA',
    last4: '4242',
    expMonth: 12,
    expYear: 2040,
    holderName: 'Jenny Rosen',
    country: 'DE',
    fingerprint: 'the same card',
  };
}

const DESCRIBED = Object.fromEntries(Object.values(TOKENS).map((token) => [token, true]));

function read(
  { notificationSecrets }: Credentials,
  body: Buffer,
  signature: string | undefined,
  now: Date,
): NotificationReading {
  const [time = '', mac = ''] = signature?.split('.') ?? [];
  const given = Buffer.from(mac, 'hex');
  const isOurs = notificationSecrets.some((secret) => {
    const expected = macOf(secret, time, body);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!isOurs) return { kind: 'bad_signature' };
  if (Math.abs(now.getTime() - Number(time)) > SIGNATURE_MAX_AGE_MS) return { kind: 'too_old' };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { kind: 'event', ...(JSON.parse(text) as { id: string; type: string; references: string[] }) };
  } catch {
    return { kind: 'unreadable' };
  }
}
