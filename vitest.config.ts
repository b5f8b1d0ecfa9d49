import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tests/support/longest-first.ts'

// libuv's pool is sized by the environment a process starts with, and the workers inherit ours.
process.env['UV_THREADPOOL_SIZE'] ??= '8'

const sourceConditions = ['@millrace/source', 'node', 'import', 'module', 'default']
const requiringConditions = ['@millrace/source', 'node', 'default']
const wordCount = 'examples/word-count/test/support/bundled-program.ts'
const brokerTests = '{packages,examples}/*/test/**/*.broker.test.ts'

const shared = {
  resolve: { conditions: sourceConditions },
  ssr: { resolve: { conditions: sourceConditions } },
}

const workers = {
  // Forks, never threads: the native Kafka client can be loaded only once a process.
  pool: 'forks' as const,
  retry: 0,
  // Only tells what hangs, as the limits of whole tests do.
  expect: { poll: { timeout: 20_000 } },
}

export default defineConfig({
  test: {
    // Removing what a broker has written takes a while on a busy machine.
    teardownTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        ...shared,
        test: {
          ...workers,
          name: 'unit',
          // Some wait for programs that they start: with two at a time two cores are busy for two thirds of the time.
          maxWorkers: 3,
          // Most of these files take less time than to load what they test.
          isolate: false,
          // Only tells what hangs: no test measures time.
          testTimeout: 30_000,
          include: [
            '{packages,examples}/*/test/**/*.test.ts',
            'packages/telemetry/dashboard/test/**/*.test.ts',
            'benchmarks/test/**/*.test.ts',
            'chaos/test/**/*.test.ts',
            'tests/**/*.test.ts',
            'tools/test/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/*.broker.test.ts', '**/*.database.test.ts'],
          globalSetup: [wordCount],
        },
      },
      {
        ...shared,
        test: {
          ...workers,
          name: 'broker',
          include: [brokerTests, 'tests/**/*.broker.test.ts', 'tools/test/**/*.broker.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: ['tests/support/test-programs.ts', 'tests/support/built-dashboard.ts', wordCount, 'tests/support/kafka-broker.ts'],
          // Many of them wait most of the time: two cores are busy, and the broker that they share still answers in time.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Node is given them too, and would give who requires `pg-pool` the module for who imports it.
        resolve: { conditions: requiringConditions },
        ssr: { resolve: { conditions: requiringConditions } },
        test: {
          ...workers,
          name: 'database',
          include: ['{packages,examples}/*/test/**/*.database.test.ts', 'tests/**/*.database.test.ts', 'tools/test/**/*.database.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: ['tests/support/database-servers.ts'],
          // Beside the tests on a broker.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
