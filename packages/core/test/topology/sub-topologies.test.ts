import { type Topology, TopologyBuilder } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storeNamed, text, using, wordCount } from '../support/topologies.ts'

const namesIn = ({ subTopologies }: Topology) => subTopologies.map(({ nodes }) => nodes.map(({ name }) => name))

describe('sub-topologies', () => {
  it('are split by repartition topics', () => {
    const topology = wordCount()
    expect(namesIn(topology)).toEqual([
      ['lines', 'split', 'by-word-sink'],
      ['by-word', 'count', 'totals'],
    ])
    expect(topology.subTopologies.map(({ index, stores }) => [index, stores.map(({ name }) => name)])).toEqual([
      [0, []],
      [1, ['counts']],
    ])
  })

  it('are joined by a store that nodes of both use', () => {
    const builder = new TopologyBuilder('shared')
    const shared = storeNamed('shared')
    builder.source('a', { topics: ['a'], ...text }).process('writes', using(shared))
    builder.source('b', { topics: ['b'], ...text }).process('reads', using(shared))
    builder.source('c', { topics: ['c'], ...text }).process('apart', using(storeNamed('own')))
    const topology = builder.build()
    expect(namesIn(topology)).toEqual([
      ['a', 'writes', 'b', 'reads'],
      ['c', 'apart'],
    ])
    expect(topology.subTopologies.map(({ stores }) => stores.map(({ name }) => name))).toEqual([['shared'], ['own']])
  })

  it('are numbered in the order of their first sources, whatever was added before those', () => {
    const builder = new TopologyBuilder('order')
    builder.stream<string, string>('late').sink('early-sink', { topic: 'x', ...text })
    builder.source('first', { topics: ['first'], ...text })
    builder.source('late', { topics: ['late'], ...text })
    expect(namesIn(builder.build())).toEqual([['first'], ['late', 'early-sink']])
  })

  it('have parents before children, otherwise in the order of adding', () => {
    const builder = new TopologyBuilder('order')
    builder.connect('b', 'joined').connect('a', 'joined')
    builder.stream<string, string>('joined').sink('out', { topic: 'out', ...text })
    builder.stream<string, string>('c').process('joined', () => undefined)
    for (const name of ['a', 'b', 'c']) builder.source(name, { topics: [name], ...text })
    expect(namesIn(builder.build())).toEqual([['b', 'a', 'c', 'joined', 'out']])
  })

  it('hold every node once, whatever the shape', () => {
    const shape = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.option(fc.constantFrom('s', 't', 'u'))), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(shape, (rows) => {
        const builder = new TopologyBuilder('random')
        const stores = new Map(['s', 't', 'u'].map((name) => [name, storeNamed(name)]))
        builder.source('n0', { topics: ['n0'], ...text })
        const kinds = ['source']
        rows.forEach(([what, parent, store], i) => {
          const name = `n${i + 1}`
          if (what % 4 === 0) builder.source(name, { topics: [name], ...text })
          else
            builder
              .stream<string, string>(`n${parent % (i + 1)}`)
              .process(name, using(...(store === null ? [] : [stores.get(store) ?? storeNamed(store)])))
          kinds.push(what % 4 === 0 ? 'source' : 'processor')
        })
        const { nodes, subTopologies } = builder.build()
        const all = subTopologies.flatMap((one) => one.nodes)
        expect(new Set(all)).toEqual(new Set(nodes))
        expect(all).toHaveLength(nodes.length)
        subTopologies.forEach((one, index) => {
          expect(one.index).toBe(index)
          const members = one.nodes.map(({ name }) => name)
          for (const node of one.nodes) {
            for (const { child } of node.edges) expect(members.indexOf(child)).toBeGreaterThan(members.indexOf(node.name))
          }
        })
        // No store and no edge between two of them.
        const owners = subTopologies.flatMap((one) => one.stores.map(({ name }) => name))
        expect(new Set(owners).size).toBe(owners.length)
      }),
    )
  })
})

describe('a store that two nodes of one pass reach', () => {
  const reasonOf = (topology: Topology) => topology.subTopologies.map(({ singleRecord }) => singleRecord)

  it('makes a task take records one at a time, and says why', () => {
    const builder = new TopologyBuilder('twice')
    const shared = storeNamed('s')
    builder
      .source('in', { topics: ['in'], ...text })
      .process<string, string>('writes', using(shared) as never)
      .process('reads', using(shared))
    expect(reasonOf(builder.build())).toEqual(["nodes 'writes' and 'reads' share store 's' and are both reached from source 'in'"])
  })

  it('does so on different ways from one source too', () => {
    const builder = new TopologyBuilder('ways')
    const shared = storeNamed('s')
    const source = builder.source('in', { topics: ['in'], ...text })
    source.process('left', using(shared))
    source.process('right', using(shared))
    expect(reasonOf(builder.build())).toEqual(["nodes 'left' and 'right' share store 's' and are both reached from source 'in'"])
  })

  it('does not where the nodes belong to different sources: a pass has one source batch', () => {
    const builder = new TopologyBuilder('joined')
    const shared = storeNamed('s')
    builder.source('a', { topics: ['a'], ...text }).process('left', using(shared))
    builder.source('b', { topics: ['b'], ...text }).process('right', using(shared))
    expect(reasonOf(builder.build())).toEqual([undefined])
  })

  it('does not for one node that is reached in two ways, nor for one that names its store twice', () => {
    const builder = new TopologyBuilder('diamond')
    const store = storeNamed('s')
    const source = builder.source('in', { topics: ['in'], ...text })
    source
      .filter('left', () => true)
      .merge(
        'both',
        source.filter('right', () => true),
      )
      .process('count', using(store, store))
    expect(reasonOf(builder.build())).toEqual([undefined])
  })
})
