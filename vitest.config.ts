import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Vite's condition `development` would give src/ another copy of graphql than Yoga has, and `instanceof` fails.
  ssr: { resolve: { conditions: ['module', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // They need a browser: npm run test:browser.
    exclude: ['test/browser/**'],
    // `--maxWorkers 2` takes half of the time on two cores, each with a PostgreSQL of its own. It is not the default: with
    // more beside them, some tests look before what the gateway does by itself is done.
    maxWorkers: 1,
    globalSetup: ['test/harness/cluster.ts'],
    // The machines of CI have two cores and are shared: a limit here is to end a hang, never to measure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
