import { type ProcessorConcurrency, type ProcessorNode, type Stream, TopologyBuilder, TopologyError } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { storeNamed, text, using } from '../support/topologies.ts'

/** The problems of a topology with one good source 'in'. */
function problemsOf(add: (source: Stream<string, string>, builder: TopologyBuilder) => unknown): readonly string[] {
  const builder = new TopologyBuilder('concurrent')
  add(builder.source('in', { topics: ['in'], ...text }), builder)
  return builder.validate()
}

const nothing = () => undefined

describe('concurrency of a node', () => {
  it.each<[string, ProcessorConcurrency]>([
    ['by partition', { ordering: 'partition' }],
    ['a whole batch', { asyncBatch: true, maxConcurrency: 10_000 }],
    ['by key', { ordering: 'key', maxConcurrency: 1 }],
    ['unordered', { ordering: 'unordered' }],
  ])('%s: no problem without stores', (_, options) => {
    expect(problemsOf((source) => source.process('p', nothing, options))).toEqual([])
  })

  it('is kept as it was given, with the default filled in', () => {
    const builder = new TopologyBuilder('kept')
    const source = builder.source('in', { topics: ['in'], ...text })
    source.process('plain', nothing)
    source.process('key', { create: () => nothing, ordering: 'key', asyncBatch: false, maxConcurrency: 3 })
    const nodes = builder.build().nodes.filter((node): node is ProcessorNode => node.kind === 'processor')
    expect(nodes.map(({ concurrency }) => concurrency)).toEqual([
      { ordering: 'partition', asyncBatch: undefined, maxConcurrency: undefined },
      { ordering: 'key', asyncBatch: false, maxConcurrency: 3 },
    ])
  })

  it.each<[string, object, string]>([
    ['an ordering that there is not', { ordering: 'keys' }, `Node 'p': ordering is "keys"; use 'partition', 'key' or 'unordered'.`],
    ['no ordering', { ordering: null }, `Node 'p': ordering is null; use 'partition', 'key' or 'unordered'.`],
    ['asyncBatch that is no boolean', { asyncBatch: 1 }, "Node 'p': asyncBatch is 1; use true or false."],
    ['no concurrency', { maxConcurrency: 0 }, "Node 'p': maxConcurrency is 0; use a whole number from 1 to 10,000."],
    ['too much of it', { maxConcurrency: 10_001 }, "Node 'p': maxConcurrency is 10001; use a whole number from 1 to 10,000."],
    ['all of it', { maxConcurrency: Infinity }, "Node 'p': maxConcurrency is Infinity; use a whole number from 1 to 10,000."],
  ])('refuses %s', (_, options, sentence) => {
    expect(problemsOf((source) => source.process('p', nothing, options as ProcessorConcurrency))).toEqual([sentence])
  })

  it('refuses asyncBatch with stores, however the node got them, but not ordering by key', () => {
    const sentence =
      "Node 'p' has stores and asyncBatch: records side by side would change state in any order; use ordering 'key', which keeps the order of each " +
      'key, or leave asyncBatch out.'
    expect(problemsOf((source) => source.process('p', { ...using(storeNamed('s')), asyncBatch: true }))).toEqual([sentence])
    expect(
      problemsOf((source, builder) => {
        source.process('p', nothing, { asyncBatch: true })
        builder.addStore(storeNamed('s'), 'p')
      }),
    ).toEqual([sentence])
    expect(problemsOf((source) => source.process('p', { ...using(storeNamed('s')), ordering: 'key', asyncBatch: true }))).toEqual([])
  })

  it('refuses unordered with stores, and before a node with stores that the same pass reaches', () => {
    expect(problemsOf((source) => source.process('p', { ...using(storeNamed('s')), ordering: 'unordered' }))).toEqual([
      "Node 'p' has ordering 'unordered' and stores: state would change in the order in which records happen to be done; use 'key'.",
    ])
    expect(
      problemsOf((source) =>
        source
          .process('p', nothing, { ordering: 'unordered' })
          .filter('some', () => true)
          .process('count', using(storeNamed('s'))),
      ),
    ).toEqual([
      "Node 'p' has ordering 'unordered' and 'count' behind it, which has stores: state would change in the order in which records happen to be " +
        "done; use 'key'.",
    ])
    expect(
      problemsOf((source) =>
        source
          .process('p', nothing, { ordering: 'unordered' })
          .repartition('again', text)
          .process('count', using(storeNamed('s'))),
      ),
    ).toEqual([])
  })

  it('is refused by build() with the name of the topology', () => {
    const builder = new TopologyBuilder('refused')
    builder.source('in', { topics: ['in'], ...text }).process('p', { ...using(storeNamed('s')), ordering: 'unordered' })
    expect(() => builder.build()).toThrow(TopologyError)
    expect(() => builder.build()).toThrow(/refused[^]*Node 'p' has ordering 'unordered' and stores/)
  })
})
