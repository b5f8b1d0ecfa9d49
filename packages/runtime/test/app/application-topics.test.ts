import { BatchCountAggregator, defineKeyValueStore, serdes, TopologyBuilder } from '@millrace/core'
import { applicationTopics } from '@millrace/runtime'
import { expect, test } from 'vitest'

test('the topics of an application are named as it names them, and only its own are its own', () => {
  const store = (name: string, changelog?: false | { readonly sourceTopic: string }) =>
    defineKeyValueStore({
      ...{ name, key: serdes.string, value: serdes.safeInt64, access: 'sync' },
      ...{ open: () => Promise.reject(new Error('not opened')), changelog },
    })
  const [counts, local, table] = [store('counts'), store('local', false), store('table', { sourceTopic: 'words' })]
  const builder = new TopologyBuilder('topics')
  builder
    .source('in', { topics: ['words', /^more-/], key: serdes.string, value: serdes.safeInt64 })
    .repartition('by-word', { key: serdes.string, value: serdes.safeInt64 })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts, local, table] })
    .sink('out', { topic: 'totals', key: serdes.string, value: serdes.safeInt64 })

  expect(applicationTopics(builder.build(), 'app')).toEqual({
    inputs: ['words', /^more-/],
    repartitions: ['app-by-word-repartition'],
    changelogs: new Map([['counts', 'app-counts-changelog']]),
  })
})
