import { defineConfig } from 'vitest/config'

const sourceConditions = ['@millrace/source', 'node', 'import', 'module', 'default']
const brokerTests = '{packages,examples}/*/test/**/*.broker.test.ts'

const shared = {
  resolve: { conditions: sourceConditions },
  ssr: { resolve: { conditions: sourceConditions } },
}

const workers = {
  // Forks, never threads: the native Kafka client may be loaded once a process, and libuv's pool is sized by the environment
  // the process starts with.
  pool: 'forks' as const,
  env: { UV_THREADPOOL_SIZE: '8' },
  retry: 0,
}

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          ...workers,
          name: 'unit',
          include: ['{packages,examples}/*/test/**/*.test.ts', 'tests/**/*.test.ts', 'tools/test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.broker.test.ts'],
        },
      },
      {
        ...shared,
        test: {
          ...workers,
          name: 'broker',
          include: [brokerTests, 'tests/**/*.broker.test.ts', 'tools/test/**/*.broker.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: ['tests/support/kafka-broker.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
