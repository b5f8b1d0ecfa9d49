import { output, TopologyBuilder } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { storeNamed, text, using, wordCount } from '../support/topologies.ts'

describe('describe()', () => {
  it("prints Kafka Streams' text", () => {
    expect(wordCount().describe()).toBe(
      [
        'Topologies:',
        '   Sub-topology: 0',
        '    Source: lines (topics: [lines])',
        '      --> split',
        '    Processor: split (stores: [])',
        '      --> by-word-sink',
        '      <-- lines',
        '    Sink: by-word-sink (topic: by-word-repartition)',
        '      <-- split',
        '',
        '  Sub-topology: 1',
        '    Source: by-word (topics: [by-word-repartition])',
        '      --> count',
        '    Processor: count (stores: [counts])',
        '      --> totals',
        '      <-- by-word',
        '    Sink: totals (topic: word-counts)',
        '      <-- count',
        '',
        '',
      ].join('\n'),
    )
  })

  it('prints several topics, patterns, stores, chosen topics, and nodes without children', () => {
    const builder = new TopologyBuilder('forms')
    const topicOf = (record: { readonly key: string }) => record.key
    builder
      .source('many', { topics: ['b', 'a'], ...text })
      .process<string, string>('two stores', using(storeNamed('t'), storeNamed('s')) as never)
      .sink('chosen', { topic: topicOf, ...text })
    builder.source('pattern', { topics: [/^orders-/], ...text }).process('last', () => undefined)
    expect(builder.build().describe('text')).toBe(
      [
        'Topologies:',
        '   Sub-topology: 0',
        '    Source: many (topics: [a, b])',
        '      --> two stores',
        '    Processor: two stores (stores: [s, t])',
        '      --> chosen',
        '      <-- many',
        '    Sink: chosen (extractor class: topicOf)',
        '      <-- two stores',
        '',
        '  Sub-topology: 1',
        '    Source: pattern (topics: ^orders-)',
        '      --> last',
        '    Processor: last (stores: [])',
        '      --> none',
        '      <-- pattern',
        '',
        '',
      ].join('\n'),
    )
  })

  it('puts nodes with more below them first, then goes by name; a node counts once for each way to it', () => {
    const builder = new TopologyBuilder('order')
    const source = builder.source('z-source', { topics: ['in'], ...text })
    source.filter('b', () => true).sink('b-out', { topic: 'b', ...text })
    source.filter('a', () => true)
    const c = source.filter('c', () => true).filter('c2', () => true)
    c.sink('c-out', { topic: 'c', ...text })
    builder.connect('b', 'a')
    const text0 = builder.build().describe()
    expect([...text0.matchAll(/(?:Source|Processor|Sink): (\S+)/g)].map(([, name]) => name)).toEqual([
      'z-source',
      'b',
      'c',
      'c2',
      'a',
      'b-out',
      'c-out',
    ])
    expect(text0).toContain('--> b, c, a\n')
    expect(text0).toContain('<-- z-source, b\n')
  })

  it('draws a Mermaid flowchart: frames, topics, stores, named outputs', () => {
    const builder = new TopologyBuilder('drawn')
    const source = builder.source('in', { topics: ['in', /^more-/], ...text })
    const parsed = source.process('parse', {
      create: () => ({ process: () => undefined }),
      stores: [storeNamed('seen')],
      outputs: { bad: output<string, string>() },
    })
    parsed.repartition('again', text).sink('out', { topic: (record) => record.key, ...text })
    parsed.to.bad.sink('errors', { topic: 'in', ...text })
    expect(builder.build().describe('mermaid')).toBe(
      `flowchart TD
  subgraph sub0["Sub-topology: 0"]
    node0["in"]
    node1["parse"]
    node2["again-sink"]
    node3["errors"]
    store4[("seen")]
  end
  subgraph sub1["Sub-topology: 1"]
    node5["again"]
    node6["out"]
  end
  topic0[/"in"/]
  topic1[/"#94;more-"/]
  topic2[/"again-repartition"/]
  topic3[/"chosen by out"/]
  topic0 --> node0
  topic1 --> node0
  node0 --> node1
  node1 --> node2
  node1 -->|"bad"| node3
  node1 <-.-> store4
  node2 --> topic2
  node3 --> topic0
  topic2 --> node5
  node5 --> node6
  node6 --> topic3
`,
    )
  })

  it('lets no name break out of its label', () => {
    const builder = new TopologyBuilder('names')
    builder.source('a"]; end <b>#1 `x`', { topics: ['in'], ...text })
    expect(builder.build().describe('mermaid')).toContain('node0["a#34;#93;#59; end #60;b#62;#35;1 #96;x#96;"]')
  })
})
