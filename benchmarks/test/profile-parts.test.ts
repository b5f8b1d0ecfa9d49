import { expect, test } from 'vitest'
import { profileParts, profileTable } from '../src/report/profile-parts.ts'

const runtime = 'file:///packages/runtime/dist/store/layers/store-handle.js'
const producer = 'file:///node_modules/@confluentinc/kafka-javascript/lib/producer.js'

const nodes = [
  { id: 1, callFrame: { functionName: '(root)', url: '' }, children: [2, 3, 4, 8] },
  { id: 2, callFrame: { functionName: '(idle)', url: '' } },
  { id: 3, callFrame: { functionName: '(program)', url: '' } },
  { id: 4, callFrame: { functionName: 'updateBatch', url: runtime }, children: [5, 6] },
  { id: 5, callFrame: { functionName: 'utf8Slice', url: '' } },
  { id: 6, callFrame: { functionName: 'Producer.produce', url: producer }, children: [7] },
  { id: 7, callFrame: { functionName: 'native', url: '' } },
  { id: 8, callFrame: { functionName: 'dispatch', url: '' } },
]

test('a profile says where the time of each record went; native code works for who called it, and the profiler for nobody', () => {
  const samples = [2, 3, 4, 5, 6, 7, 7, 8]
  const parts = profileParts({ nodes, samples, timeDeltas: samples.map(() => 100) }, 100)
  expect(parts).toEqual({ waiting: 1, 'the client: reading': 1, 'the client: writing': 3, 'runtime: store': 2 })
  expect(profileTable('workload (a)', [{ title: 'Millrace', parts }])).toMatchObject({
    title: 'Profile, workload (a): microseconds of the thread of JavaScript for each record',
    head: ['', 'Millrace'],
    rows: [
      ['waiting', '1.00'],
      ['the client: reading', '1.00'],
      ['the client: writing', '3.00'],
      ['runtime: store', '2.00'],
      ['all but waiting', '6.00'],
    ],
  })
})
