import { defineConfig } from 'vitest/config';

/** The rules of the source itself, for `npm run check`: no PostgreSQL is started. */
export default defineConfig({ test: { include: ['test/architecture/**/*.test.ts'] } });
