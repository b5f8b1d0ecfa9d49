import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../paths.mjs'
import { run } from '../run.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'

/** What lint says to this import in this file, by the rules of the workspace. */
async function lint(file: string, imported: string): Promise<string> {
  const folder = temporaryFolder()
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  writeFileSync(join(folder, file), `export * from '${imported}'\n`)
  const { output } = await run(process.execPath, [join(root, 'node_modules/oxlint/bin/oxlint'), file], { cwd: folder })
  return output
}

describe('lint refuses', () => {
  test.each([
    ['packages/core/src/sink/a.ts', 'node:fs', 'core runs anywhere'],
    ['packages/core/src/sink/a.ts', '@millrace/runtime', 'core is what every package builds on'],
    ['packages/core/src/sink/a.ts', 'millrace/kafka', 'core is what every package builds on'],
    ['packages/runtime/src/task/a.ts', '@millrace/transport-memory', 'The engine imports @millrace/core and no other'],
    ['packages/transport-memory/src/a.ts', '@millrace/kafka-packed', 'A transport imports @millrace/core'],
    ['packages/transport-kafka/src/a.ts', '@millrace/runtime', 'transport-kafka imports @millrace/core and @millrace/kafka-packed'],
    ['packages/store-leveldb/src/a.ts', '@millrace/store-memory', 'A store imports @millrace/core'],
    ['packages/bulk-sink/src/a.ts', '@millrace/runtime', 'bulk-sink imports @millrace/core'],
    ['packages/sink-postgres/src/a.ts', '@millrace/runtime', 'A sink imports @millrace/core, @millrace/bulk-sink'],
    ['packages/parallel/src/a.ts', '@millrace/runtime', 'parallel imports @millrace/core'],
    ['packages/telemetry/src/a.ts', '@millrace/runtime', 'telemetry imports @millrace/core'],
    ['packages/kafka-packed/src/a.ts', '@millrace/transport-kafka', 'kafka-packed imports @millrace/core'],
    ['packages/publisher/src/a.ts', '@millrace/runtime', 'The publisher imports @millrace/core'],
    ['packages/testing/src/a.ts', '@millrace/transport-kafka', 'testing imports @millrace/core'],
    ['packages/testing/src/a.ts', 'millrace', 'testing imports @millrace/core'],
    ['packages/cli/src/commands/a.ts', '@millrace/store-leveldb', 'cli imports @millrace/core'],
    ['packages/runtime/src/task/a.ts', '../../../core/src/index.ts', 'by its name'],
    ['examples/one/src/a.ts', '@millrace/core/src/index.ts', 'what the package exports'],
    ['tests/order.test.ts', '../packages/core/src/index.ts', 'by its name'],
  ])('in %s an import of %s', async (file, imported, message) => {
    expect(await lint(file, imported)).toContain(message)
  })
})

describe('lint lets', () => {
  test.each([
    ['packages/runtime/src/task/a.ts', '@millrace/core'],
    ['packages/runtime/src/task/a.ts', 'node:fs'],
    ['packages/runtime/test/task/a.test.ts', '../../src/task/a.ts'],
    ['packages/sink-clickhouse/src/a.ts', '@millrace/bulk-sink'],
    ['packages/testing/src/a.ts', '@millrace/transport-memory'],
    ['packages/cli/src/commands/a.ts', '@millrace/runtime'],
    ['packages/millrace/src/kafka.ts', '@millrace/transport-kafka'],
    ['packages/transport-kafka/src/packed/a.ts', '@millrace/kafka-packed'],
    ['examples/one/src/a.ts', 'millrace/kafka'],
    ['tests/order.test.ts', '@millrace/transport-memory'],
  ])('%s import %s', async (file, imported) => {
    expect(await lint(file, imported)).toContain('Found 0 warnings and 0 errors')
  })
})
