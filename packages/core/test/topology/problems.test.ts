import { defineKeyValueStore, output, serdes, type Stream, TopologyBuilder } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { storeNamed, text, using } from '../support/topologies.ts'

type Texts = Stream<string, string>

/** The problems of a topology with one good source 'in'. */
function problemsOf(add: (builder: TopologyBuilder, source: Texts) => unknown): readonly string[] {
  const builder = new TopologyBuilder('broken')
  add(builder, builder.source('in', { topics: ['in'], ...text }))
  return builder.validate()
}

/** For what the compiler refuses, but a program in JavaScript may do. */
const wrong = (value: unknown): never => value as never

describe('validate() says of', () => {
  it('a good topology: nothing', () => {
    expect(problemsOf((_, source) => source.sink('out', { topic: 'out', ...text }))).toEqual([])
  })

  it('a loop through topics: nothing', () => {
    expect(problemsOf((_, source) => source.filter('again', () => true).sink('out', { topic: 'in', ...text }))).toEqual([])
  })

  it.each<[string, (builder: TopologyBuilder, source: Texts) => unknown, string]>([
    [
      'two nodes of one name',
      (_, source) => [source.peek('p', () => undefined), source.filter('p', () => true)],
      "There are several nodes named 'p'; names must be unique.",
    ],
    [
      'a repartition name used twice',
      (_, source) => [source.repartition('r', text), source.repartition('r', text)],
      "There are several nodes named 'r'; names must be unique.",
    ],
    [
      "a node that has the name of a repartition's sink",
      (_, source) => [source.repartition('r', text), source.sink('r-sink', { topic: 'out', ...text })],
      "There is a node named 'r-sink', which is what repartition 'r' calls its sink; give one of them another name.",
    ],
    [
      'an empty name',
      (_, source) => source.peek('', () => undefined),
      `A node's name is ""; use text of at least one character and without control characters.`,
    ],
    [
      'a name with a control character',
      (_, source) => source.peek('a\nb', () => undefined),
      `A node's name is "a\\nb"; use text of at least one character and without control characters.`,
    ],
    [
      'a name that is no text',
      (_, source) => source.peek(wrong(5), () => undefined),
      `A node's name is 5; use text of at least one character and without control characters.`,
    ],
    [
      'an unknown parent',
      (builder) => builder.connect('nobody', 'in-2'),
      "'nobody' is connected to 'in-2', but there is no node 'nobody'.",
    ],
    [
      'a handle by a name that there is not',
      (builder) => builder.stream<string, string>('nobody').sink('out', { topic: 'out', ...text }),
      "'nobody' is connected to 'out', but there is no node 'nobody'.",
    ],
    ['an unknown child', (builder) => builder.connect('in', 'nobody'), "'in' is connected to 'nobody', but there is no node 'nobody'."],
    [
      'a connection made twice',
      (builder, source) => [source.peek('p', () => undefined), builder.connect('in', 'p')],
      "'in' is connected to 'p' twice.",
    ],
    [
      'a sink with a child',
      (builder, source) => [source.sink('out', { topic: 'out', ...text }), builder.stream('out').process('p', () => undefined)],
      "Sink 'out' has a child, 'p'; a sink is where records leave the topology.",
    ],
    [
      'a source with a parent',
      (builder) => [builder.source('other', { topics: ['other'], ...text }), builder.connect('in', 'other')],
      "Source 'other' has a parent, 'in'; a source gets its records from topics.",
    ],
    [
      'an output that is not declared',
      (builder, source) => [
        source.process('p', () => undefined, { outputs: { late: output<string, string>() } }),
        source.filter('q', () => true),
        builder.connect('p', 'q', 'invalid'),
      ],
      "'q' is connected to output 'invalid' of 'p', which declares 'late'.",
    ],
    [
      'an output of a node that declares none',
      (builder, source) => [source.filter('q', () => true), builder.connect('in', 'q', 'invalid')],
      "'q' is connected to output 'invalid' of 'in', which declares none.",
    ],
    [
      'a circle',
      (builder, source) => [source.peek('p', () => undefined).peek('q', () => undefined), builder.connect('q', 'p')],
      "Records would go round in a circle: 'p' -> 'q' -> 'p'. Let them go through a topic instead.",
    ],
    [
      'a node that feeds itself',
      (builder, source) => [source.peek('p', () => undefined), builder.connect('p', 'p')],
      "Records would go round in a circle: 'p' -> 'p'. Let them go through a topic instead.",
    ],
    [
      'a node that no record can reach',
      (builder) => [builder.stream<string, string>('ghost').peek('p', () => undefined)],
      "No record can reach processor 'p': connect it, directly or through others, to a source.",
    ],
    ['a source without topics', (builder) => builder.source('s', { topics: [], ...text }), "Source 's' has no topics."],
    ['a source without options', (builder) => builder.source('s', wrong(undefined)), "Source 's' has no topics."],
    [
      'a topic that can be none',
      (builder) => builder.source('s', { topics: ['not a topic'], ...text }),
      `Source 's' names the topic "not a topic"; Kafka allows 1 to 249 letters, digits, '.', '_' and '-'.`,
    ],
    [
      'a topic that is no text',
      (builder) => builder.source('s', { topics: [wrong(undefined)], ...text }),
      "Source 's' names the topic undefined; Kafka allows 1 to 249 letters, digits, '.', '_' and '-'.",
    ],
    [
      'a topic in two sources',
      (builder) => builder.source('s', { topics: ['in'], ...text }),
      "Sources 'in' and 's' both read topic 'in'; let one read it, and put both ways behind that.",
    ],
    [
      'a topic that one source names twice',
      (builder) => builder.source('s', { topics: ['t', 't'], ...text }),
      "Source 's' names topic 't' twice.",
    ],
    [
      'a pattern in two sources',
      (builder) => [builder.source('s', { topics: [/^a/], ...text }), builder.source('t', { topics: [/^a/], ...text })],
      "Sources 's' and 't' both read pattern /^a/; let one read it, and put both ways behind that.",
    ],
    [
      "a pattern that matches another source's topic",
      (builder) => builder.source('s', { topics: [/^i/], ...text }),
      "The pattern /^i/ of source 's' matches topic 'in', which source 'in' reads.",
    ],
    [
      "a pattern that matches the source's own topic",
      (builder) => builder.source('s', { topics: ['abc', /b/], ...text }),
      "The pattern /b/ of source 's' matches topic 'abc', which it names too.",
    ],
    [
      'a pattern with flags',
      (builder) => builder.source('s', { topics: [/^x/i], ...text }),
      "Source 's' has the pattern /^x/i with flags, which Kafka does not know; leave them out.",
    ],
    [
      'a source without a serde',
      (builder) => builder.source('s', { topics: ['s'], key: serdes.string, value: wrong(undefined) }),
      "Source 's' has no value serde; give one, such as value: serdes.string.",
    ],
    [
      'a serde that was not called',
      (builder) => builder.source('s', { topics: ['s'], key: wrong(serdes.json), value: serdes.string }),
      "Source 's' has no key serde; give one, such as key: serdes.string.",
    ],
    [
      'a start that there is not',
      (builder) => builder.source('s', { topics: ['s'], ...text, startAt: wrong('newest') }),
      `Source 's': startAt is "newest"; use 'earliest', 'latest' or a valid Date.`,
    ],
    [
      'a start at no date',
      (builder) => builder.source('s', { topics: ['s'], ...text, startAt: new Date('yesterday') }),
      "Source 's': startAt is an invalid date; use 'earliest', 'latest' or a valid Date.",
    ],
    [
      'a timestamp extractor that is none',
      (builder) => builder.source('s', { topics: ['s'], ...text, timestamp: wrong(5) }),
      "Source 's': timestamp is 5; use a function that returns milliseconds since the epoch.",
    ],
    [
      'a batch policy out of range',
      (builder) => builder.source('s', { topics: ['s'], ...text, batch: { size: 0 } }),
      "Source 's': batch.size is 0; use a whole number from 1 to 1,000,000.",
    ],
    [
      'a batch policy that is none',
      (builder) => builder.source('s', { topics: ['s'], ...text, batch: wrong(5) }),
      "Source 's': batch is 5; use an object.",
    ],
    [
      'a batch policy of one topic out of range',
      (builder) => builder.source('s', { topics: ['s'], ...text, batch: { topics: { s: { timeoutMs: -1 } } } }),
      "Source 's': batch.topics['s'].timeoutMs is -1; use a whole number of at least 0.",
    ],
    [
      'a misspelt batch option',
      (builder) => builder.source('s', { topics: ['s'], ...text, batch: wrong({ sise: 5 }) }),
      "Source 's': batch.sise is no option; use size.",
    ],
    [
      'a misspelt batch option of one topic',
      (builder) => builder.source('s', { topics: ['s'], ...text, batch: { topics: { s: wrong({ maxByte: 5 }) } } }),
      "Source 's': batch.topics['s'].maxByte is no option; use maxBytes.",
    ],
    [
      'a batch policy of a topic that is not its own',
      (builder) => builder.source('s', { topics: ['s'], ...text, batch: { topics: { in: { size: 5 } } } }),
      "Source 's': batch.topics names 'in', which it does not read.",
    ],
    [
      'a repartition with no partitions',
      (_, source) => source.repartition('r', { ...text, partitions: 0 }),
      "Repartition 'r': partitions is 0; use a whole number from 1 to 100,000.",
    ],
    [
      'a repartition whose name can be in no topic',
      (_, source) => source.repartition('by word', text),
      "Repartition 'by word': its name becomes part of a topic's name; use 1 to 100 letters, digits, '.', '_' and '-'.",
    ],
    [
      'a repartition without a serde',
      (_, source) => source.repartition('r', wrong({ key: serdes.string })),
      "Repartition 'r' has no value serde; give one, such as value: serdes.string.",
    ],
    [
      'an instance in place of a factory',
      (_, source) => source.process('p', wrong({ process: () => undefined })),
      "Node 'p' has no function and no factory; give a function, or { create: () => new MyProcessor() }, so that each task gets a processor of its own.",
    ],
    [
      'a factory that is no function',
      (_, source) => source.process('p', wrong({ create: { process: () => undefined } })),
      "Node 'p' has no function and no factory; give a function, or { create: () => new MyProcessor() }, so that each task gets a processor of its own.",
    ],
    [
      'a class in place of a factory',
      (_, source) => source.process('p', wrong(class Mine {})),
      "Node 'p' has no function and no factory; give a function, or { create: () => new MyProcessor() }, so that each task gets a processor of its own.",
    ],
    [
      'an operator without a function',
      (_, source) => source.map('p', wrong(undefined)),
      "Node 'p' has no function and no factory; give a function, or { create: () => new MyProcessor() }, so that each task gets a processor of its own.",
    ],
    [
      'an output without a name',
      (_, source) => source.process('p', () => undefined, { outputs: { '': output<string, string>() } }),
      "Node 'p' has an output without a name.",
    ],
    ['a branch without branches', (_, source) => source.branch('b', {}), "Branch 'b' has no branches."],
    [
      'a branch without a predicate',
      (_, source) => source.branch('b', { big: wrong(true) }),
      "Branch 'big' of 'b' has no predicate; give a function.",
    ],
    [
      "another builder's stream",
      (_, source) => source.merge('m', new TopologyBuilder('other').source('far', { topics: ['far'], ...text })),
      "'m' merges 'far', which belongs to another builder.",
    ],
    [
      'a sink without a serde',
      (_, source) => source.sink('out', wrong({ topic: 'out', value: serdes.string })),
      "Sink 'out' has no key serde; give one, such as key: serdes.string.",
    ],
    [
      'a sink without a topic',
      (_, source) => source.sink('out', wrong(text)),
      "Sink 'out' names the topic undefined; Kafka allows 1 to 249 letters, digits, '.', '_' and '-'.",
    ],
    [
      'a partitioner that is none',
      (_, source) => source.sink('out', { topic: 'out', ...text, partitioner: wrong(3) }),
      "Sink 'out': partitioner is 3; use a function that returns a partition or undefined.",
    ],
    [
      'a store that is none',
      (_, source) => source.process('p', { create: () => ({ process: () => undefined }), stores: [wrong('counts')] }),
      `Node 'p' names a store that is "counts"; use what keyValueStore({ ... }) returned.`,
    ],
    [
      'stores that are no list',
      (_, source) => source.process('p', { create: () => ({ process: () => undefined }), stores: wrong(storeNamed('s')) }),
      "Node 'p': stores is an object; use a list of store definitions.",
    ],
    [
      'two stores of one name',
      (_, source) => [source.process('p', using(storeNamed('s'))), source.process('q', using(storeNamed('s')))],
      "There are several definitions of store 's'; define it once and use that everywhere.",
    ],
    [
      'a store that nobody uses',
      (builder) => builder.addStore(storeNamed('s')),
      "Store 's' was added, but no node uses it; name the nodes that do.",
    ],
    [
      'a store for a node that there is not',
      (builder) => builder.addStore(storeNamed('s'), 'nobody'),
      "Store 's' was added for 'nobody', but there is no such node.",
    ],
    [
      'a store for a source',
      (builder) => builder.addStore(storeNamed('s'), 'in'),
      "Store 's' was added for source 'in'; only processors use stores.",
    ],
    [
      'a store that was added and is none',
      (builder) => builder.addStore(wrong(null), 'in'),
      'addStore names a store that is null; use what keyValueStore({ ... }) returned.',
    ],
  ])('%s', (_, add, sentence) => expect(problemsOf(add)).toContain(sentence))

  it('an empty topology, and one without a name', () => {
    expect(new TopologyBuilder('').validate()).toEqual([
      `The topology's name is ""; use text of at least one character and without control characters.`,
      'The topology is empty; begin with source().',
    ])
  })

  it('several mistakes: all of them, each once', () => {
    const problems = problemsOf((builder, source) => {
      builder.source('empty', { topics: [], ...text })
      source.repartition('twice', text).process('p', using(storeNamed('s')))
      source.repartition('twice', text)
      builder.connect('p', 'nobody')
      builder.stream<string, string>('p').sink('out', { topic: '', ...text })
    })
    expect(problems).toEqual([
      "There are several nodes named 'twice'; names must be unique.",
      "'in' is connected to 'twice-sink' twice.",
      "'p' is connected to 'nobody', but there is no node 'nobody'.",
      "Source 'empty' has no topics.",
      `Sink 'out' names the topic ""; Kafka allows 1 to 249 letters, digits, '.', '_' and '-'.`,
    ])
  })

  it('a store definition with a name that can be no folder: its own definition refuses it', () => {
    const define = (name: string) =>
      defineKeyValueStore({ name, ...text, access: 'sync', open: () => Promise.reject(new Error('Nobody opens this.')) })
    for (const name of ['', '..', 'a/b', 'ä']) expect(() => define(name)).toThrow(TypeError)
  })
})
