import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nextMigration } from '../../tools/migration.ts';
import { templateDatabase } from '../harness/database.ts';
import { temporaryPlace } from './places.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const SCHEMA = `
datasource db {
  provider = "postgresql"
}

model Payment {
  id     String  @id @db.Uuid
  amount BigInt
  due    DateTime? @db.Timestamptz(3)
  refunds Refund[]

  @@map("payment")
}

model Refund {
  id        String @id @db.Uuid
  paymentId String @map("payment_id") @db.Uuid
  payment   Payment @relation(fields: [paymentId], references: [id], onDelete: Restrict)

  @@index([paymentId])
  @@map("refund")
}
`;

const BY_HAND = `
ALTER TABLE payment ADD CONSTRAINT amount_positive CHECK (amount > 0);
CREATE INDEX payment_due ON payment (due) WHERE due IS NOT NULL;
CREATE UNIQUE INDEX one_large_refund ON refund (payment_id) WHERE id IS NOT NULL;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no; never'; END; $$;
CREATE TRIGGER refuse BEFORE DELETE ON payment FOR EACH ROW EXECUTE FUNCTION refuse();
`;

function writeMigration(prisma: string, name: string, script: string): void {
  mkdirSync(join(prisma, 'migrations', name), { recursive: true });
  writeFileSync(join(prisma, 'migrations', name, 'migration.sql'), script);
}

test('the next migration is the difference, and what is written by hand is none', async () => {
  const prisma = temporaryPlace();
  const connection = { ...templateDatabase(), database: 'postgres' };
  writeFileSync(join(prisma, 'schema.prisma'), SCHEMA);
  const first = await nextMigration(prisma, connection);
  expect(first).toContain('CREATE TABLE "payment"');
  writeMigration(prisma, '1_first', first ?? '');
  expect(await nextMigration(prisma, connection)).toBeUndefined();

  writeMigration(prisma, '2_by_hand', BY_HAND);
  expect(await nextMigration(prisma, connection)).toBeUndefined();

  writeFileSync(join(prisma, 'schema.prisma'), SCHEMA.replace('amount BigInt', 'amount BigInt\n  note String?'));
  const next = await nextMigration(prisma, connection);
  expect(next?.trim()).toBe('-- AlterTable\nALTER TABLE "payment" ADD COLUMN     "note" TEXT;');
});

test('the command writes a migration once, and --check asks for it', () => {
  const checkout = temporaryPlace();
  cpSync(join(ROOT, 'src', 'postgres'), join(checkout, 'src', 'postgres'), { recursive: true });
  cpSync(join(ROOT, 'tools', 'migration.ts'), join(checkout, 'tools', 'migration.ts'));
  cpSync(join(ROOT, 'package.json'), join(checkout, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  mkdirSync(join(checkout, 'prisma'));
  writeFileSync(join(checkout, 'prisma', 'schema.prisma'), SCHEMA);
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(checkout, 'tools', 'migration.ts'), ...words], {
      cwd: checkout,
      encoding: 'utf8',
    });

  const missing = run('--check');
  expect(missing.status).toBe(1);
  expect(missing.stderr).toContain('CREATE TABLE "payment"');

  const written = run('First', 'tables!');
  expect(written).toMatchObject({ status: 0, stderr: '' });
  const migrations = join(checkout, 'prisma', 'migrations');
  const [name, lockfile] = readdirSync(migrations).toSorted();
  expect(name).toMatch(/^\d{14}_first_tables$/);
  expect(lockfile).toBe('migration_lock.toml');
  expect(readFileSync(join(migrations, name ?? '', 'migration.sql'), 'utf8')).toContain('CREATE TABLE "payment"');

  expect(run('--check')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(run().stderr).toContain('usage:');
});
