import { defineConfig } from 'vitest/config';

/** What needs a browser, for `npm run test:browser`: `npm test` asks for nothing but Node and npm. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/harness/cluster.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
