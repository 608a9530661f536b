import { defineConfig } from 'prisma/config';

// `prisma generate` tries to download a schema engine that it does not need. A path that exists, whatever it
// leads to, makes it work with no network. Migrations never go through it: see tools/migration.ts.
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath;

export default defineConfig({ schema: 'prisma/schema.prisma' });
