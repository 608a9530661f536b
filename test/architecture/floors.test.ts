import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceFiles, violations, type Rule } from './floors.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test('the source keeps to its floors', () => {
  const files = sourceFiles(ROOT);
  expect(files.length).toBeGreaterThan(30);
  expect(violations(files)).toEqual([]);
});

/** Files that break a rule, each in one way only. */
const PLANTED: readonly (readonly [rule: Rule, path: string, text: string])[] = [
  // A higher floor, by every kind of import.
  ['floor', 'src/store/a.ts', `import { create } from '../payments/create.ts';`],
  ['floor', 'src/store/a.ts', `import type { Create } from '../payments/create.ts';`],
  ['floor', 'src/store/a.ts', `import '../payments/create.ts';`],
  ['floor', 'src/store/a.ts', `const payments = await import('../payments/create.ts');`],
  ['floor', 'src/store/a.ts', `type Create = import('../payments/create.ts').Create;`],
  ['floor', 'src/store/a.ts', `export { create } from '../payments/create.ts'; export const a = 1;`],
  ['floor', 'src/store/a.ts', `export * from '../payments/create.ts'; export const a = 1;`],
  ['floor', 'src/processors/sandbox/a.ts', `import { create } from '../../payments/create.ts';`],
  ['floor', 'src/domain/a.ts', `import { Ledger } from '../store/ledger.ts';`],
  // The same floor.
  ['floor', 'src/store/a.ts', `import { sandbox } from '../processors/sandbox/sandbox.ts';`],
  ['floor', 'src/postgres/a.ts', `import { openDatabase } from '../store/database.ts';`],
  ['floor', 'src/processors/a.ts', `import { start } from '../postgres/server.ts';`],
  ['floor', 'src/due/a.ts', `import { Payment } from '../schema/payment.ts';`],
  ['floor', 'src/schema/a.ts', `import type { Recovery } from '../due/recovery.ts';`],
  // Beside the floors.
  ['floor', 'src/config.ts', `import { openDatabase } from './store/database.ts';`],
  ['floor', 'src/telemetry.ts', `import { createPayment } from './payments/create.ts';`],
  ['types only', 'src/config.ts', `import { log } from './telemetry.ts';`],
  ['types only', 'src/http/a.ts', `import { readConfig } from '../config.ts';`],
  ['types only', 'src/payments/a.ts', `import { type Logger } from '../telemetry.ts';`],
  ['types only', 'src/payments/a.ts', `import { newId } from '../new-id.ts';`],
  ['types only', 'src/payments/a.ts', `import { allowedFacts } from '../facts.ts';`],
  ['types only', 'src/config.ts', `import { allowedFacts } from './facts.ts';`],
  ['floor', 'src/facts.ts', `import { createPayment } from './payments/create.ts';`],
  ['wiring', 'src/http/a.ts', `import { createApp } from '../app.ts';`],
  ['wiring', 'src/http/a.ts', `import type { App } from '../app.ts';`],
  ['wiring', 'src/telemetry.ts', `import type { App } from './app.ts';`],
  ['place', 'src/services/a.ts', `export const a = 1;`],
  ['place', 'src/server.ts', `export const a = 1;`],
  // What belongs to some places only.
  ['reserved', 'src/payments/a.ts', `import { GraphQLError } from 'graphql';`],
  ['reserved', 'src/payments/a.ts', `import type { GraphQLError } from 'graphql';`],
  ['reserved', 'src/store/a.ts', `import { GraphQLDateTime } from 'graphql-scalars';`],
  ['reserved', 'src/due/a.ts', `import { createYoga } from 'graphql-yoga';`],
  ['reserved', 'src/payments/a.ts', `import { useServer } from 'graphql-ws/use/ws';`],
  ['reserved', 'src/payments/a.ts', `import SchemaBuilder from '@pothos/core';`],
  ['reserved', 'src/app.ts', `import { renderGraphiQL } from '@graphql-yoga/render-graphiql';`],
  ['reserved', 'src/store/a.ts', `import { trace } from '@opentelemetry/api';`],
  ['types only', 'src/http/a.ts', `const { createTracer } = await import('../tracing.ts');`],
  ['reserved', 'src/processors/sandbox/a.ts', `import Stripe from 'stripe';`],
  ['reserved', 'src/payments/a.ts', `import type Stripe from 'stripe';`],
  ['reserved', 'src/schema/a.ts', `import { PrismaClient } from '../../generated/prisma/client.ts';`],
  ['reserved', 'src/schema/a.ts', `import { type Payment } from '../../generated/prisma/client.ts';`],
  ['reserved', 'src/payments/a.ts', `export * from '../../generated/prisma/models.ts'; export const a = 1;`],
  ['reserved', 'src/app.ts', `const client = await import('../generated/prisma/client.ts');`],
  ['reserved', 'src/payments/a.ts', `import { Prisma } from '@prisma/client';`],
  ['outside', 'src/http/a.ts', `import { PaymentDocument } from '../../generated/operations/graphql.ts';`],
  ['outside', 'src/store/a.ts', `import { cloneDatabase } from '../../test/harness/database.ts';`],
  ['computed import', 'src/processors/a.ts', 'const name = "sandbox"; export const a = await import(`./${name}.ts`);'],
  // The environment.
  ['environment', 'src/http/a.ts', `export const port = process.env.PORT;`],
  ['environment', 'src/http/a.ts', `export const port = process['env']['PORT'];`],
  ['environment', 'src/http/a.ts', `export const port = globalThis.process?.env.PORT;`],
  ['environment', 'src/http/a.ts', `const { env } = process;`],
  ['environment', 'src/http/a.ts', `import { env as settings } from 'node:process';`],
  ['environment', 'src/main.ts', `export const port = process.env.PORT;`],
  ['environment', 'src/postgres/a.ts', `spawn('initdb', { env: { ...process.env, LC_ALL: 'C' } });`],
  // Statements.
  ['all columns', 'src/store/a.ts', `export const all = 'SELECT * FROM payment';`],
  ['all columns', 'src/store/a.ts', 'export const all = `UPDATE payment SET due_at = $1\n RETURNING *`;'],
  ['all columns', 'src/store/a.ts', `export const all = 'SELECT now(), * FROM payment';`],
  ['all columns', 'src/store/a.ts', `export const all = 'SELECT DISTINCT "payment".* FROM "payment"';`],
  ['all columns', 'src/store/a.ts', 'export const all = (of: string) => `SELECT ${of}.* FROM ${of}`;'],
  [
    'all columns',
    'src/processors/sandbox/a.ts',
    `export const all = 'SELECT now(), card.* FROM sandbox_card AS card';`,
  ],
  // The domain.
  ['pure domain', 'src/domain/a.ts', `import { readFileSync } from 'node:fs';`],
  ['pure domain', 'src/domain/a.ts', `import { createHash } from 'node:crypto';`],
  ['pure domain', 'src/domain/a.ts', `import { z } from 'zod';`],
  ['pure domain', 'src/domain/a.ts', `import type { Payment } from '../../generated/prisma/client.ts';`],
  ['pure domain', 'src/domain/a.ts', `export const now = Date.now();`],
  ['pure domain', 'src/domain/a.ts', `export const clock = Date.now;`],
  ['pure domain', 'src/domain/a.ts', `export const now = new Date();`],
  ['pure domain', 'src/domain/a.ts', `export const now = new Date;`],
  ['pure domain', 'src/domain/a.ts', `export const now = Date();`],
  ['pure domain', 'src/domain/a.ts', `export const now = performance.now();`],
  ['pure domain', 'src/domain/a.ts', `export const dice = Math.random();`],
  ['pure domain', 'src/domain/a.ts', `export const id = randomUUID();`],
  ['pure domain', 'src/domain/a.ts', `export const id = randomBytes(16);`],
  ['pure domain', 'src/domain/a.ts', `export const answer = fetch('https://example.com');`],
  ['pure domain', 'src/domain/a.ts', `export const later = setTimeout(() => {}, 10);`],
  // Names and exports.
  ['default export', 'src/store/a.ts', `export default function a() {}`],
  ['default export', 'src/store/a.ts', `const a = 1; export { a as default };`],
  ['name', 'src/store/utils.ts', `export const a = 1;`],
  ['name', 'src/payments/helpers/a.ts', `export const a = 1;`],
  ['name', 'src/http/common/a.ts', `export const a = 1;`],
  ['name', 'src/payments/payment-manager.ts', `export const a = 1;`],
  ['barrel', 'src/payments/index.ts', `export * from './create.ts';\nexport { cancel } from './cancel.ts';`],
  ['barrel', 'src/payments/all.ts', `import { create } from './create.ts';\nexport { create };`],
  ['barrel', 'src/payments/all.ts', `export type * from './create.ts';`],
];

test.for(PLANTED)('finds a violation of "%s" in %s: %s', ([rule, path, text]) => {
  const found = violations([{ path, text }]);
  expect(new Set(found.map((each) => each.rule))).toEqual(new Set([rule]));
  expect(found[0]?.path).toBe(path);
});

/** Files that look much the same and are right. */
const RIGHT: readonly (readonly [path: string, text: string])[] = [
  ['src/http/a.ts', `import { execute } from 'graphql'; import { Payment } from '../schema/payment.ts';`],
  ['src/http/a.ts', `import { recover } from '../due/recovery.ts'; import { money } from '../domain/money.ts';`],
  ['src/store/a.ts', `import { PrismaClient } from '../../generated/prisma/client.ts'; import pg from 'pg';`],
  ['src/store/a.ts', `import { PrismaPg } from '@prisma/adapter-pg'; import { columnOf } from './columns.ts';`],
  ['src/payments/a.ts', `import type { Payment } from '../../generated/prisma/client.ts';`],
  ['src/payments/a.ts', `import type { Config } from '../config.ts'; import type { Logger } from '../telemetry.ts';`],
  ['src/schema/a.ts', `import type PrismaTypes from '../../generated/pothos.ts';`],
  ['src/schema/a.ts', `import { getDatamodel } from '../../generated/pothos.ts'; import S from '@pothos/core';`],
  ['src/schema/a.ts', `import { PaymentStatus } from '../../generated/prisma/enums.ts';`],
  ['src/processors/stripe.ts', `import Stripe from 'stripe';`],
  ['src/processors/stripe/charge.ts', `import Stripe from 'stripe'; import type { Processor } from '../port.ts';`],
  ['src/app.ts', `import { serve } from './http/server.ts'; import { readConfig } from './config.ts';`],
  ['src/main.ts', `import { createApp } from './app.ts'; process.on('SIGTERM', () => process.exit(0));`],
  ['src/config.ts', `import { z } from 'zod'; import { uuidv7 } from './domain/ids.ts'; const a = process.env.PORT;`],
  ['src/telemetry.ts', `import { pino } from 'pino'; export type { Logger } from 'pino'; export const a = pino();`],
  ['src/telemetry.ts', `import { allowedFacts } from './facts.ts'; export const a = allowedFacts({});`],
  ['src/payments/a.ts', `import type { Facts } from '../facts.ts';`],
  [
    'src/domain/a.ts',
    `import assert from 'node:assert'; export const day = new Date(0); export const b = Date.UTC(1);`,
  ],
  [
    'src/domain/a.ts',
    `/** import '../store/a.ts', new Date(), process.env */ export const text = "import '../http/a.ts'";`,
  ],
  ['src/domain/a.ts', `export function at(now: Date) { return now.getTime() + Math.max(1, 2); }`],
  ['src/payments/commons.ts', `import { a } from './a.ts'; export { a }; export const b = 1;`],
  ['src/payments/a.ts', `import { create } from './create.ts'; create();`],
];

test.for(RIGHT)('finds nothing in %s: %s', ([path, text]) => {
  expect(violations([{ path, text }])).toEqual([]);
});
