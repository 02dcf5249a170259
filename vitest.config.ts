import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests start processes and servers of their own: the default of 5 s is short on a loaded machine of two cores.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
