import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'test',
          include: ['test/**/*.test.ts'],
          testTimeout: 30_000,
          // By default one core is left to the terminal.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'native-test',
          include: ['native-test/**/*.test.ts'],
          globalSetup: ['native-test/support/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          // Two cores and real nodes: files in turn, so that no test measures its neighbour.
          fileParallelism: false,
        },
      },
    ],
  },
})

export default config
