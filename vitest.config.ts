import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Tests start processes and servers of their own: the default of 5 s is short on a loaded machine of two cores.
    testTimeout: 60_000,
    hookTimeout: 30_000,
    // Much of them is waiting for processes: each core has a test file. The default leaves one core idle.
    maxWorkers: '100%',
    // Whole command lines, real tools, chaos: minutes that have a lane of their own, npm run test:long.
    projects: [
      {
        extends: true,
        test: {
          name: 'short',
          include: ['test/**/*.test.ts'],
          // What functions say of every round is looked at where it is tested, and would hide what went wrong elsewhere.
          env: { POWERTOOLS_LOG_LEVEL: 'ERROR', POWERTOOLS_METRICS_DISABLED: 'true' },
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: ['test/**/*.long.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      // Against moto, cfn-lint and hadolint, which test/python-tools.sh installs.
      {
        extends: true,
        test: { name: 'tools', include: ['test/**/*.tools.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
      },
      // The image's content in namespaces of its own: what it needs is skipped with a line where it is not.
      {
        extends: true,
        test: { name: 'image', include: ['test/**/*.image.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
      },
    ],
  },
});
