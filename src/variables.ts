import { isIP } from 'node:net';
import { z } from 'zod';
import { DEFAULT_LIMITS, type Limits } from './domain/limits.ts';
import type { Rate } from './domain/rate.ts';
import { perSecond, TRANSPORT_LIMITS, TRANSPORT_RATES } from './domain/transport-limits.ts';

/** With each of them, every address of a page may have to be compared. */
const OTHER_SECRETS_MAX = 10;

/** The default is in its one place, with what it was measured by. */
function limit(name: Exclude<keyof Limits, 'operationMs'>, min: number, max: number) {
  const message = `must be ${min} to ${max}`;
  return z.coerce.number(message).int(message).min(min, message).max(max, message).default(DEFAULT_LIMITS[name]);
}

/** Everything that an operator can set, and what each may be. */
export const Variables = z.strictObject({
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .refine(
      isConnectionString,
      'is not a URL (in a user name or password, @ : / ? # and % are written as %40 and so on)',
    )
    .optional(),
  HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  NODE_ENV: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine(isWebAddress, 'must be the address of a collector: http://127.0.0.1:4318')
    .optional(),
  OTEL_SERVICE_NAME: z.string().min(1).max(100).default('tender'),
  PORT: z.coerce.number('must be a port number').int().min(0).max(65_535).default(4000),
  ...shapeOfLimits(),
  TENDER_COMMIT: z.string().min(1).max(64).optional(),
  TENDER_CORS_ORIGINS: list()
    .refine(
      (origins) => origins.every((each) => isOrigin(each) && !each.includes('*')) || isEverywhere(origins),
      'must be origins of pages, such as https://shop.example.com,https://pay.example.com, or * for all',
    )
    .default([]),
  TENDER_DATA_DIR: z.string().min(1).optional(),
  TENDER_DRAIN_SECONDS: z.coerce.number('must be 0 to 300 seconds').int().min(0).max(300).optional(),
  TENDER_EVENT_RETENTION_DAYS: z.coerce.number('must be 1 to 3650 days').int().min(1).max(3_650).default(30),
  TENDER_EXPLORER: z.enum(['on', 'off'], 'must be on or off').optional(),
  TENDER_KEY_RETENTION_DAYS: z.coerce.number('must be 1 to 3650 days').int().min(1).max(3_650).default(30),
  TENDER_MIGRATE: z.enum(['on', 'off'], 'must be on or off').default('on'),
  TENDER_OPERATION_SECONDS: z.coerce
    .number('must be 1 to 600 seconds')
    .int()
    .min(1)
    .max(600)
    .default(DEFAULT_LIMITS.operationMs / 1_000),
  TENDER_OTHER_SECRETS: list()
    .refine((secrets) => secrets.every(({ length }) => length >= 32), 'each must have at least 32 characters')
    .refine((secrets) => secrets.length <= OTHER_SECRETS_MAX, `can be ${OTHER_SECRETS_MAX} at most`)
    .default([]),
  TENDER_MAX_ALIASES: limit('aliases', 0, 10_000),
  TENDER_MAX_COST: limit('cost', 100, 10_000_000),
  TENDER_MAX_DEPTH: limit('depth', 1, 200),
  TENDER_MAX_DIRECTIVES: limit('directives', 0, 10_000),
  TENDER_MAX_DUPLICATE_FIELDS: limit('duplicateFields', 0, 1_000),
  TENDER_MAX_FRAGMENTS: limit('fragments', 0, 1_000),
  // graphql recurses with each: it takes some thousand levels before its stack ends.
  TENDER_MAX_NESTING: limit('nesting', 10, 200),
  TENDER_MAX_PAYER_COST: limit('payerCost', 100, 10_000_000),
  TENDER_MAX_TOKENS: limit('tokens', 100, 50_000),
  TENDER_LOG_FORMAT: z.enum(['json', 'pretty'], 'must be json or pretty').default('json'),
  TENDER_METRICS_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{16,}$/, 'must have at least 16 characters, without spaces')
    .optional(),
  TENDER_POOL_SIZE: z.coerce.number('must be 3 to 1000 connections').int().min(3).max(1_000).default(16),
  TENDER_PUBLIC_URL: z
    .string()
    .refine(isOrigin, 'must be where payers reach the gateway, without a path: https://pay.example.com')
    .optional(),
  TENDER_RAISE_AFTER_HOURS: z.coerce.number('must be 1 to 720 hours').int().min(1).max(720).default(24),
  TENDER_RATE_LIMIT_ADDRESS: rate(TRANSPORT_RATES.address),
  TENDER_RATE_LIMIT_KEY: rate(TRANSPORT_RATES.key),
  TENDER_RATE_LIMIT_TOKEN: rate(TRANSPORT_RATES.token),
  TENDER_RECOVERY_DELAY_SECONDS: z.coerce.number('must be 1 to 30 seconds').int().min(1).max(30).default(5),
  TENDER_ROLE: z.enum(['all', 'api', 'worker'], 'must be all, api or worker').default('all'),
  TENDER_SANDBOX_SETTLEMENT_SECONDS: z.coerce
    .number('must be 1 to 2592000 seconds')
    .int()
    .min(1)
    .max(30 * 24 * 3_600)
    .default(24 * 3_600),
  TENDER_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  TENDER_STOP_SECONDS: z.coerce.number('must be 1 to 3600 seconds').int().min(1).max(3_600).default(25),
  TENDER_STRIPE_API_URL: z
    .string()
    .refine(isOrigin, 'must be the address of a stand-in for Stripe, without a path: http://127.0.0.1:12111')
    .refine(isSafeForSecrets, 'must begin with https://, or lead to this machine')
    .optional(),
  TENDER_TRUSTED_DOCUMENTS: z.string().min(1).optional(),
  TENDER_TRUSTED_DOCUMENTS_ONLY: z.enum(['true', 'false'], 'must be true or false').default('false'),
  TENDER_TRACE_RATIO: z.coerce.number('must be 0 to 1').min(0).max(1).default(1),
  TENDER_TRUSTED_PROXIES: list()
    .refine((proxies) => proxies.every(isNetwork), 'must be addresses or networks, such as 10.0.0.0/8,fd00::/8')
    .default([]),
  TENDER_WEBHOOKS_PRIVATE_NETWORKS: z.enum(['true', 'false'], 'must be true or false').default('false'),
});

/** The variables as they were read: what was left out has its default. */
export type Values = z.output<typeof Variables>;

/** The names with which an operator sets something. Others that begin with TENDER_ are refused: a slip of the pen. */
export const NAMES: readonly string[] = Object.keys(Variables.shape);

/** Values that are separated by commas. */
function list() {
  return z.string().transform((value) => value.split(',').map((each) => each.trim()));
}

/** Every limit of the transport: a whole number within its bounds. */
function shapeOfLimits() {
  return Object.fromEntries(
    Object.values(TRANSPORT_LIMITS).map(({ name, default: standard, min, max }) => {
      const told = `must be a whole number from ${min} to ${max}`;
      return [name, z.coerce.number(told).int(told).min(min, told).max(max, told).default(standard)];
    }),
  );
}

/** "1000", or with how many at once "1000:5000"; five times as many where that is left out. */
function rate(standard: Rate) {
  return z
    .string()
    .regex(/^[1-9]\d{0,5}(:[1-9]\d{0,6})?$/, 'must be operations a second, such as 100, or with a burst 100:500')
    .transform((value) => {
      const [count = 1, burst = 5 * count] = value.split(':').map(Number);
      return perSecond(count, burst);
    })
    .default(standard);
}

export function isEverywhere(origins: readonly string[]): boolean {
  return origins.length === 1 && origins[0] === '*';
}

/** An address, or a network as in 10.0.0.0/8. */
function isNetwork(value: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
}

/** A web address that ends with its host or port. */
function isOrigin(value: string): boolean {
  return /^https?:\/\//.test(value) && URL.canParse(value) && new URL(value).origin === value;
}

/** Any web address, also one with a path. */
function isWebAddress(value: string): boolean {
  return /^https?:\/\//.test(value) && URL.canParse(value);
}

/** Secret keys go there: over TLS, or no further than this machine. */
function isSafeForSecrets(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

/** A URL, in which the host may be missing when the parameters name a socket's directory. */
function isConnectionString(value: string): boolean {
  return URL.canParse(value.replace('@/', '@localhost/'));
}
