import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Vite's condition `development` would give src/ another copy of graphql than Yoga has, and `instanceof` fails.
  ssr: { resolve: { conditions: ['module', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // They need a browser: npm run test:browser.
    exclude: ['test/browser/**'],
    // One is the default where there are two cores: much of a test is a wait for PostgreSQL.
    maxWorkers: 2,
    globalSetup: ['test/harness/cluster.ts'],
    // The machines of CI have two cores and are shared: a limit here is to end a hang, never to measure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
