import { ByteWriter } from '../../src/wire/byte-writer.ts'
import type { ByteReader } from '../../src/wire/byte-reader.ts'
import { KEY, type WireBroker } from './wire-broker.ts'

/** A heartbeat of KIP-848, as a member sent it. */
export interface WireHeartbeat {
  readonly memberId: string
  readonly epoch: number
  readonly instanceId: string | null
  readonly rebalanceTimeoutMs: number
  readonly topics: readonly (string | null)[]
  readonly assignor: string | null
  /** As `id:partition`, by the last digit of the topic's id. */
  readonly owned: readonly string[]
}

export interface WireAssignment {
  /** Default: 0. */
  readonly code?: number
  readonly epoch: number
  /** By the last digit of the topic's id. */
  readonly given?: Readonly<Record<number, readonly number[]>>
}

/** What a coordinator is told, and answers: the test says what. */
export class WireGroup {
  /** The next answers, the last of them again and again. */
  answers: WireAssignment[] = [{ epoch: 1 }]
  readonly heard: WireHeartbeat[] = []
  /** Codes for commits, and then success. */
  readonly commitCodes: number[] = []
  /** Epochs by which was committed. */
  readonly commitEpochs: number[] = []
  /** Member and epoch of who asked for offsets. */
  readonly askers: [string | null, number][] = []
  /** Awaited before a heartbeat is answered. */
  held: Promise<void> = Promise.resolve()

  constructor(broker: WireBroker) {
    broker.answers.set(KEY.consumerGroupHeartbeat, async ({ body }) => {
      const heartbeat = readHeartbeat(body)
      this.heard.push(heartbeat)
      await this.held
      const [answer = { epoch: 1 }] = this.answers
      if (this.answers.length > 1) this.answers.shift()
      return heartbeatAnswer(answer)
    })
    broker.answers.set(KEY.offsetCommit, ({ body }) => {
      body.string()
      this.commitEpochs.push(body.int32())
      return committed(this.commitCodes.shift() ?? 0)
    })
    broker.answers.set(KEY.offsetFetch, ({ body }) => {
      body.array(() => {
        body.string()
        this.askers.push([body.string(), body.int32()])
        body.topics(() => body.int32())
        body.tags()
      })
      return noOffsets()
    })
  }

  get last(): WireHeartbeat {
    const last = this.heard.at(-1)
    if (last === undefined) throw new Error('There was no heartbeat yet.')
    return last
  }
}

function readHeartbeat(body: ByteReader): WireHeartbeat {
  body.string()
  const memberId = body.string() ?? ''
  const epoch = body.int32()
  const instanceId = body.string()
  body.string()
  const rebalanceTimeoutMs = body.int32()
  const topics = body.array(() => body.string())
  body.string()
  const assignor = body.string()
  const owned = body
    .array(() => {
      body.int64()
      const id = body.int64()
      const partitions = body.array(() => `${id}:${body.int32()}`)
      body.tags()
      return partitions
    })
    .flat()
  return { memberId, epoch, instanceId, rebalanceTimeoutMs, topics, assignor, owned }
}

function heartbeatAnswer({ code = 0, epoch, given = {} }: WireAssignment): Buffer {
  const out = new ByteWriter().int32(0).int16(code).string(null).string('member').int32(epoch).int32(10)
  if (code !== 0) return out.int8(-1).noTags().finish()
  out.int8(1).array(Object.entries(given), ([id, partitions]) => {
    out.int64(0).int64(Number(id))
    out.array(partitions, (partition) => out.int32(partition)).noTags()
  })
  return out.noTags().noTags().finish()
}

function committed(code: number): Buffer {
  const out = new ByteWriter().int32(0)
  out.array([code], (one) => {
    out.string('t').array([one], () => out.int32(0).int16(one).noTags())
    out.noTags()
  })
  return out.noTags().finish()
}

function noOffsets(): Buffer {
  const out = new ByteWriter().int32(0)
  out.array(['g'], (group) => {
    out.string(group).array([], () => {})
    out.int16(0).noTags()
  })
  return out.noTags().finish()
}
