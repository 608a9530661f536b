import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/harness/cluster.ts'],
    // The machines of CI have two cores and are shared: a limit here is to end a hang, never to measure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
