import { defineConfig } from 'vitest/config';

/** What needs a browser, for `npm run test:browser`: `npm test` asks for nothing but Node and npm. */
export default defineConfig({
  // Vite's condition `development` would give src/ another copy of graphql than Yoga has, and `instanceof` fails.
  ssr: { resolve: { conditions: ['module', 'node'] } },
  test: {
    include: ['test/browser/**/*.test.ts'],
    maxWorkers: 1,
    globalSetup: ['test/harness/cluster.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
