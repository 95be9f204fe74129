import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** They look at processes, ports and containers of the whole machine, or measure how long something takes. */
const ALONE: readonly string[] = [
  'accepting',
  'compose',
  'demo',
  'faults*',
  'launcher',
  'sweep-*',
].map((name) => `native-test/${name}.test.ts`)

/** What is waited for comes sooner or later; on a busy machine later than in the second that is usual. */
const PATIENT = { poll: { timeout: 20_000 } }

const NATIVE = {
  expect: PATIENT,
  globalSetup: ['native-test/support/global-setup.ts'],
  testTimeout: 120_000,
  hookTimeout: 300_000,
}

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'test',
          include: ['test/**/*.test.ts'],
          expect: PATIENT,
          testTimeout: 30_000,
          // By default one core is left to the terminal.
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...NATIVE,
          name: 'native-test',
          include: ['native-test/*.test.ts'],
          exclude: [...ALONE],
          // They wait for nodes more often than they compute.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...NATIVE,
          name: 'native-test-alone',
          include: [...ALONE],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})

export default config
