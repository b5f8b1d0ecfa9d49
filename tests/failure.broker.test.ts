import { describe, type ExpectStatic, inject, test } from 'vitest'
import { type DeadLetterHeaderStyle, type Headers, serdes } from 'millrace'
import { FailingGroup } from './support/failing-group.ts'
import { ACKNOWLEDGEMENTS, HOWS } from './support/failing-run.ts'
import type { Written } from './support/log-client.ts'

const brokers = inject('kafkaBrokers')
const STYLES = ['spring', 'connect', 'streams'] as const
const SIZE = 6
/** Where the bad records of a partition are: all in its second batch, of three. */
const PLACES: readonly { readonly name: string; readonly bad: readonly number[] }[] = [
  { name: 'first', bad: [0] },
  { name: 'last', bad: [5] },
  { name: 'middle', bad: [2] },
  { name: 'two', bad: [1, 4] },
  { name: 'all', bad: [0, 1, 2, 3, 4, 5] },
]
const utf8 = new TextEncoder()
const textOf = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString()
const int32 = (value: number) => serdes.int32.serialize(value)
const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b)

type Raw = Written<Uint8Array | null, Uint8Array | null>

/** What a partition holds. Of undecodable records every other has a bad key, the others a bad value. */
function recordsOf(partition: number, bad: readonly number[], undecodable: boolean): Raw[] {
  return Array.from({ length: 3 * SIZE }, (_, offset) => {
    const isBad = offset >= SIZE && offset < 2 * SIZE && bad.includes(offset - SIZE)
    const badKey = isBad && undecodable && offset % 2 === 0
    const headers: Headers = [
      { key: 'trace', value: utf8.encode(`${partition}/${offset}`) },
      { key: 'trace', value: new Uint8Array([0, 255, 254]) },
      { key: 'empty', value: new Uint8Array() },
    ]
    return {
      key: badKey ? new Uint8Array([255, 254, offset]) : int32(offset),
      value: isBad && undecodable && !badKey ? new Uint8Array([1, 2, offset]) : int32(1_000 * partition + offset),
      timestamp: 1_600_000_000_000 + 1_000 * offset + partition,
      headers,
      partition,
      offset,
    }
  })
}

/** What a header says about where a record came from, in each style. */
function originOf(style: DeadLetterHeaderStyle, headers: Headers) {
  const bytes = (name: string) => Buffer.from(headers.find(({ key }) => key === name)?.value ?? [])
  if (style === 'spring') {
    return {
      topic: textOf(bytes('kafka_dlt-original-topic')),
      partition: bytes('kafka_dlt-original-partition').readInt32BE(),
      offset: Number(bytes('kafka_dlt-original-offset').readBigInt64BE()),
    }
  }
  const text = (name: string) => textOf(bytes(`__${style}.errors.${name}`))
  return { topic: text('topic'), partition: Number(text('partition')), offset: Number(text('offset')) }
}

/** The header that says why, and what it says. */
function reasonOf(style: DeadLetterHeaderStyle, headers: Headers, key: boolean): string {
  const names = {
    spring: key ? 'kafka_dlt-key-exception-message' : 'kafka_dlt-exception-message',
    connect: '__connect.errors.exception.message',
    streams: '__streams.errors.message',
  }
  return textOf(headers.find(({ key: name }) => name === names[style])?.value)
}

interface Expected {
  readonly style: DeadLetterHeaderStyle
  readonly stage: 'decode' | 'process'
  readonly attempts: string
}

/** The same record, with more headers behind its own. */
function expectDeadLetter(expect: ExpectStatic, dead: Raw, source: Raw, { style, stage, attempts }: Expected) {
  const { key, value, timestamp, headers } = dead
  const bytes = (of: Uint8Array | null) => (of === null ? null : [...of])
  expect([bytes(key), bytes(value), timestamp]).toEqual([bytes(source.key), bytes(source.value), source.timestamp])
  const plain = (of: Headers) => of.map((header) => [header.key, bytes(header.value)])
  expect(plain(headers.slice(0, source.headers.length))).toEqual(plain(source.headers))
  const ours = new Map(headers.map((header) => [header.key, textOf(header.value)]))
  expect(ours.get('millrace.stage')).toBe(stage)
  expect(ours.get('millrace.node')).toBe(stage === 'decode' ? 'in' : 'work')
  expect(ours.get('millrace.attempts')).toBe(attempts)
  // One that can't be decoded is no part of any batch.
  expect(ours.get('millrace.batch.size')).toBe(stage === 'decode' ? '1' : String(SIZE))
  expect(ours.get('millrace.batch.index')).toBe(stage === 'decode' ? '0' : String(source.offset % SIZE))
  const badKey = stage === 'decode' && source.offset % 2 === 0
  const converter = badKey ? 'KEY_CONVERTER' : 'VALUE_CONVERTER'
  if (style === 'connect') expect(ours.get('__connect.errors.stage')).toBe(stage === 'decode' ? converter : 'TRANSFORMATION')
  expect(reasonOf(style, headers, badKey)).toMatch(stage === 'decode' ? (badKey ? /key/ : /value/) : /^\d+ is bad$/)
}

describe('a poison record on Kafka', () => {
  test.for(
    (['decode', ...HOWS] as const).flatMap((how) => STYLES.map((style, i) => ({ how, style, acknowledgement: ACKNOWLEDGEMENTS[i] }))),
  )(
    'is set apart wherever it is, byte for byte, and costs no other anything: $how, $style, $acknowledgement',
    async ({ how, style, acknowledgement }, { expect }) => {
      const undecodable = how === 'decode'
      await using group = await FailingGroup.open({ brokers, partitions: PLACES.length })
      const sources = PLACES.flatMap(({ bad }, partition) => recordsOf(partition, bad, undecodable))
      const isBad = ({ partition, offset }: Raw) => PLACES[partition]?.bad.includes(offset - SIZE) === true
      const valueOf = ({ partition, offset }: { readonly partition: number; readonly offset: number }) => 1_000 * partition + offset
      const bad = sources.filter(isBad)
      await group.writeRaw(sources)
      const calls: number[][] = []
      const badValues = new Set(undecodable ? [] : bad.map(valueOf))
      const member = await group.start(
        {
          how: undecodable ? 'throw' : how,
          fails: (value) => badValues.has(value),
          during: ({ values }, _, at) => void (at === 'begin' && calls.push([...values])),
        },
        {
          batch: { size: SIZE, timeoutMs: undecodable ? 5 : 60_000, maxRetries: 2 },
          failure: { acknowledgement, deadLetter: { headerStyle: style } },
        },
      )
      await member.app.caughtUp()
      await member.app.close()
      await member.running

      const good = sources.filter((source) => !isBad(source))
      const goodOf = (partition: number) => good.filter((source) => source.partition === partition).map((source) => String(valueOf(source)))
      expect(await group.output()).toEqual(PLACES.map((_, partition) => goodOf(partition)))
      expect(await group.counted()).toEqual(new Map(sorted(good.map(valueOf)).map((value) => [value, 1])))
      expect(await group.committed()).toEqual(PLACES.map(() => 3 * SIZE))
      const dead = await group.deadLetters()
      const origins = dead.map(({ headers }) => originOf(style, headers))
      expect(origins.every(({ topic }) => topic === group.topics.input)).toBe(true)
      const places = origins.map(valueOf)
      expect(sorted(places)).toEqual(sorted(bad.map(valueOf)))
      for (const [i, one] of dead.entries()) {
        const source = sources.find((candidate) => valueOf(candidate) === places[i]) as Raw
        expectDeadLetter(expect, one, source, { style, stage: undecodable ? 'decode' : 'process', attempts: undecodable ? '1' : '3' })
      }
      expect(member.of('failure').map(({ policy }) => policy)).toEqual(bad.map(() => 'dead-letter'))
      // No call has records of two batches: what failed was not shifted into the next.
      if (undecodable) return
      for (const call of calls) expect(new Set(call.map((value) => Math.floor((value % 1_000) / SIZE))).size).toBe(1)
      const cuts = member.of('cut').map(({ records, trigger }) => [records, trigger])
      expect(cuts).toEqual(Array.from({ length: 3 * PLACES.length }, () => [SIZE, 'records']))
    },
  )
})
