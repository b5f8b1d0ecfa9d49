import { describe, expect, test } from 'vitest'
import { serdes, TopologyBuilder, TopologyError } from '../src/index.ts'
import { build, close, run, start, validate } from '../src/fp.ts'
import { memory } from '../src/memory.ts'
import { silentLogger } from '@millrace/core'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const text = { key: serdes.string, value: serdes.string }

function copyTopology() {
  const builder = new TopologyBuilder('copy')
  builder.source('in', { topics: ['in'], ...text }).sink('out', { topic: 'out', ...text })
  return builder
}

describe('results as values', () => {
  test('build gives the topology, or everything that is wrong with it', () => {
    expect(build(copyTopology())).toMatchObject({ _tag: 'Right', right: { name: 'copy' } })
    const wrong = new TopologyBuilder('wrong')
    wrong.source('in', { topics: [], ...text })
    expect(build(wrong)).toMatchObject({ _tag: 'Left', left: expect.any(TopologyError) as TopologyError })
  })

  test('validate lists what is wrong with a definition', () => {
    const topology = copyTopology().build()
    expect(validate({ topology, applicationId: 'a/b', transport: memory(), batch: { size: 0 } })).toMatchObject({ _tag: 'Left' })
    expect(validate({ topology, applicationId: 'app', transport: memory() })).toMatchObject({ _tag: 'Right' })
  })

  test('start gives a Left for what start would throw', async () => {
    const result = await start({ topology: copyTopology().build(), applicationId: 'app', transport: memory(), logger: silentLogger })()
    expect(result).toMatchObject({ _tag: 'Left', left: { code: 'TOPIC_MISSING' } })
  })

  test('start, run and close go through', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'millrace-fp-'))
    const transport = memory()
    const admin = await transport.openAdmin({ logger: silentLogger })
    await admin.createTopics(['in', 'out'].map((topic) => ({ topic, partitions: 1 })))
    const started = await start({ topology: copyTopology().build(), applicationId: 'app', transport, stateDir, logger: silentLogger })()
    if (started._tag === 'Left') throw started.left
    const running = run(started.right)()
    expect(await close(started.right)()).toMatchObject({ _tag: 'Right' })
    expect(await running).toMatchObject({ _tag: 'Right' })
    await admin.close()
    await rm(stateDir, { recursive: true, force: true })
  })
})
