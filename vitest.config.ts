import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { useBuild } from './test/support/built.ts';

/** All of test/workers but what runs programs as users start them, from TypeScript. */
const onBuild = 'test/workers/**/!(program|programs).test.ts';

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    globalSetup: 'test/support/built.ts',
    pool: 'forks',
    maxWorkers: availableParallelism() + 1, // many tests wait for other processes
    testTimeout: 10_000,
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'sources',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, onBuild],
        },
      },
      {
        extends: true,
        plugins: [useBuild()],
        test: { name: 'built', include: [onBuild] },
      },
    ],
  },
});
