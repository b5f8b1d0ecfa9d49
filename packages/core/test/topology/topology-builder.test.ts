import { detectProcessor, output, type ProcessorNode, type SinkNode, type SourceNode, TopologyBuilder, TopologyError } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { batchOf } from '../support/batches.ts'
import { RecordingContext } from '../support/recording-context.ts'
import { storeNamed, text, using, wordCount } from '../support/topologies.ts'

describe('TopologyBuilder', () => {
  it('makes nodes and edges in the order in which they were added', () => {
    const { name, nodes, stores } = wordCount()
    expect(name).toBe('word-count')
    expect(nodes.map((node) => [node.kind, node.name, node.edges.map(({ child }) => child), node.parents])).toEqual([
      ['source', 'lines', ['split'], []],
      ['processor', 'split', ['by-word-sink'], ['lines']],
      ['sink', 'by-word-sink', [], ['split']],
      ['source', 'by-word', ['count'], []],
      ['processor', 'count', ['totals'], ['by-word']],
      ['sink', 'totals', [], ['count']],
    ])
    expect(stores.map((store) => store.name)).toEqual(['counts'])
  })

  it('keeps what sources and sinks were given, and fills in the rest', () => {
    const builder = new TopologyBuilder('options')
    const partitioner = () => 0
    const timestamp = () => 5
    const since = new Date(1_000)
    builder.source('plain', { topics: ['a', 'b'], ...text }).sink('to-a', { topic: 'out', ...text })
    builder
      .source('special', { topics: [/^c-/], ...text, startAt: since, timestamp, batch: { size: 5 } })
      .repartition('again', { ...text, partitions: 6 })
      .sink('by-function', { topic: (record) => record.key, ...text, partitioner })
    const { nodes } = builder.build()
    const node = <N>(name: string) => nodes.find((one) => one.name === name) as unknown as N
    expect(node<SourceNode>('plain')).toMatchObject({
      topics: [
        { kind: 'name', topic: 'a' },
        { kind: 'name', topic: 'b' },
      ],
      startAt: 'earliest',
      timestamp: undefined,
      batch: {},
    })
    expect(node<SourceNode>('special')).toMatchObject({
      topics: [{ kind: 'pattern', pattern: /^c-/ }],
      startAt: since,
      timestamp,
      batch: { size: 5 },
    })
    expect(node<SinkNode>('to-a')).toMatchObject({ topic: { kind: 'name', topic: 'out' }, partitioner: undefined })
    expect(node<SinkNode>('by-function')).toMatchObject({ topic: expect.any(Function) as unknown, partitioner })
    const repartition = { kind: 'repartition', name: 'again', partitions: 6 }
    expect(node<SinkNode>('again-sink').topic).toEqual(repartition)
    expect(node<SourceNode>('again')).toMatchObject({ topics: [repartition], startAt: 'earliest' })
  })

  it('freezes what it built, to the bottom, and nothing of its user', () => {
    const stores = [storeNamed('s')]
    const topics = ['a']
    const batch = { size: 5 }
    const builder = new TopologyBuilder('frozen')
    builder
      .source('a', { topics, ...text, batch })
      .process('p', { ...using(), stores })
      .sink('out', { topic: 'out', ...text })
    const topology = builder.build()
    const thawed: string[] = []
    const look = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null || path.endsWith('.key') || path.endsWith('.value')) return
      if (!Object.isFrozen(value)) thawed.push(path)
      for (const [name, part] of Object.entries(value)) look(part, `${path}.${name}`)
    }
    look(topology, 'topology')
    expect(thawed).toEqual([])
    for (const own of [stores, topics, batch]) expect(Object.isFrozen(own)).toBe(false)
    stores.push(storeNamed('later'))
    topics.push('later')
    expect(builder.build()).toMatchObject({ stores: [{ name: 's' }], nodes: [{ topics: [{ topic: 'a' }] }, {}, {}] })
  })

  it('goes on after a build without changing what was built', () => {
    const builder = new TopologyBuilder('twice')
    const source = builder.source('a', { topics: ['a'], ...text })
    source.sink('one', { topic: 'one', ...text })
    const before = builder.build()
    source.sink('two', { topic: 'two', ...text })
    expect(before.nodes.map(({ name }) => name)).toEqual(['a', 'one'])
    expect(before.nodes[0]?.edges).toHaveLength(1)
    expect(builder.build().nodes.map(({ name }) => name)).toEqual(['a', 'one', 'two'])
  })

  it('connects by name, also to what is added later, and one node to several parents', () => {
    const builder = new TopologyBuilder('names')
    builder.connect('b', 'p').connect('p', 'second-sink', 'late')
    builder.source('a', { topics: ['a'], ...text })
    builder.source('b', { topics: ['b'], ...text })
    builder.stream<string, string>('a').process('p', () => undefined, { outputs: { late: output<string, string>() } })
    builder.stream<string, string>('p').sink('first-sink', { topic: 'first', ...text })
    builder.stream<string, string>('first-source').sink('second-sink', { topic: 'second', ...text })
    builder.source('first-source', { topics: ['first'], ...text })
    const { nodes } = builder.build()
    expect(nodes.find(({ name }) => name === 'p')).toMatchObject({
      parents: ['b', 'a'],
      edges: [
        { output: 'late', child: 'second-sink' },
        { output: '', child: 'first-sink' },
      ],
    })
    expect(nodes.find(({ name }) => name === 'second-sink')?.parents).toEqual(['p', 'first-source'])
  })

  it('gives a handle to each named output', () => {
    const builder = new TopologyBuilder('outputs')
    const parsed = builder
      .source('a', { topics: ['a'], ...text })
      .process('parse', (record, context) => context.to.invalid.forward({ ...record, value: new Error(record.value) }), {
        outputs: { invalid: output<string, Error>() },
      })
    parsed.sink('good', { topic: 'good', ...text })
    parsed.to.invalid.mapValues('message', (error) => error.message).sink('bad', { topic: 'bad', ...text })
    const parse = builder.build().nodes.find(({ name }) => name === 'parse') as ProcessorNode
    expect(parse.outputs).toEqual(['invalid'])
    expect(parse.edges).toEqual([
      { output: '', child: 'good' },
      { output: 'invalid', child: 'message' },
    ])
  })

  it('branches by named outputs and merges from any output', () => {
    const builder = new TopologyBuilder('branches')
    const { big, rest } = builder
      .source('a', { topics: ['a'], ...text })
      .branch('size', { big: (record) => record.value.length > 3, rest: () => true })
    big.merge('both', rest).sink('out', { topic: 'out', ...text })
    const { nodes } = builder.build()
    expect(nodes.find(({ name }) => name === 'size')?.edges).toEqual([
      { output: 'big', child: 'both' },
      { output: 'rest', child: 'both' },
    ])
    expect(nodes.find(({ name }) => name === 'both')?.parents).toEqual(['size'])
  })

  it('gives every task a processor of its own from a factory', () => {
    const builder = new TopologyBuilder('factories')
    class Own {
      process(): void {}
    }
    builder.source('a', { topics: ['a'], ...text }).process('own', { create: () => new Own() })
    const { create } = builder.build().nodes.find(({ name }) => name === 'own') as ProcessorNode
    expect(create()).toBeInstanceOf(Own)
    expect(create()).not.toBe(create())
  })

  it('takes plain functions for single records and for batches', () => {
    const builder = new TopologyBuilder('functions')
    const source = builder.source('a', { topics: ['a'], ...text })
    source.process('single', (record, context) => context.forward(record))
    source.processBatch('batch', (batch, context) => context.forwardBatch({ keys: batch.keys, values: batch.values }))
    const batch = batchOf([{ key: 'k', value: 'v' }])
    for (const [name, kind] of [
      ['single', 'single'],
      ['batch', 'batch'],
    ]) {
      const node = builder.build().nodes.find((one) => one.name === name) as ProcessorNode
      const detected = detectProcessor(node.create(), node.name)
      expect(detected.kind).toBe(kind)
      const context = new RecordingContext(batch)
      if (kind === 'batch') void detected.processBatch?.(batch, context)
      else void detected.process?.(batch.record(0), context)
      expect(context.forwarded).toMatchObject([{ key: 'k', value: 'v' }])
    }
  })

  it('gives a store to nodes by name, besides those they name themselves', () => {
    const builder = new TopologyBuilder('stores')
    const [own, shared] = [storeNamed('own'), storeNamed('shared')]
    const source = builder.source('a', { topics: ['a'], ...text })
    source.process('p', using(own, own))
    source.process('q', () => undefined)
    const { nodes, subTopologies } = builder.addStore(shared, 'p', 'q').build()
    const storesOf = (name: string) => (nodes.find((node) => node.name === name) as ProcessorNode).stores
    expect(storesOf('p')).toEqual([own, shared])
    expect(storesOf('q')).toEqual([shared])
    expect(subTopologies[0]?.stores).toEqual([own, shared])
  })

  it('throws one error with all problems', () => {
    const builder = new TopologyBuilder('broken')
    builder.source('a', { topics: [], ...text }).sink('a', { topic: 'no/slash', ...text })
    const problems = builder.validate()
    expect(problems.length).toBeGreaterThan(1)
    let error: unknown
    try {
      builder.build()
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(TopologyError)
    expect((error as TopologyError).problems).toEqual(problems)
    expect((error as TopologyError).message).toContain(`Topology 'broken' can't be built: ${problems.length} problems`)
    for (const problem of problems) expect((error as TopologyError).message).toContain(problem)
  })
})
