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

/** As the group knows it. */
interface KnownMember {
  readonly epoch: number
  readonly previous: number
  readonly given: readonly string[]
}

const [GROUP_GONE, UNKNOWN_MEMBER, FENCED, UNRELEASED] = [69, 25, 110, 111]

/** The coordinator of a group of one member: it checks epochs as Kafka does, and else answers what the test says. */
export class WireGroup {
  /** The next answers, the last of them again and again. */
  answers: WireAssignment[] = [{ epoch: 1 }]
  readonly heard: WireHeartbeat[] = []
  /** Codes for commits, and then success. */
  readonly commitCodes: number[] = []
  /** Epochs by which was committed. */
  readonly commitEpochs: number[] = []
  /** Codes for who asks for offsets as a member, and then success. */
  readonly fetchCodes: number[] = []
  /** Member and epoch of who asked for offsets; of nobody: null and -1. */
  readonly askers: [string | null, number][] = []
  /** Awaited before a heartbeat is answered. */
  held: Promise<void> = Promise.resolve()
  /** Heartbeats are not answered, but end their connection. */
  isBroken = false
  #member: KnownMember | undefined

  constructor(broker: WireBroker) {
    broker.answers.set(KEY.consumerGroupHeartbeat, async ({ body }) => {
      const heartbeat = readHeartbeat(body)
      this.heard.push(heartbeat)
      await this.held
      return this.isBroken ? 'cut' : heartbeatAnswer(this.#answer(heartbeat))
    })
    broker.answers.set(KEY.offsetCommit, ({ body }) => {
      body.string()
      this.commitEpochs.push(body.int32())
      return committed(this.commitCodes.shift() ?? 0)
    })
    broker.answers.set(KEY.offsetFetch, ({ body, version }) => {
      if (version < MEMBERS_SINCE) {
        this.askers.push([null, -1])
        return noOffsets()
      }
      const code = this.fetchCodes.shift() ?? 0
      if (code !== 0) this.putOut()
      body.array(() => {
        body.string()
        this.askers.push([body.string(), body.int32()])
        body.topics(() => body.int32())
        body.tags()
      })
      return noOffsetsOfMember(code)
    })
  }

  /** It does not know the member any more. */
  putOut(): void {
    this.#member = undefined
  }

  /** The member was told an epoch by an answer that somebody else had. */
  moveTo(epoch: number): void {
    if (this.#member !== undefined) this.#member = { ...this.#member, epoch, previous: this.#member.epoch }
  }

  get last(): WireHeartbeat {
    const last = this.heard.at(-1)
    if (last === undefined) throw new Error('There was no heartbeat yet.')
    return last
  }

  #answer(heartbeat: WireHeartbeat): WireAssignment {
    const code = this.#refusal(heartbeat)
    if (code !== undefined) return { code, epoch: 0 }
    if (heartbeat.epoch < 0) {
      this.putOut()
      return { epoch: heartbeat.epoch }
    }
    const [answer = { epoch: 1 }] = this.answers
    if (this.answers.length > 1) this.answers.shift()
    if (answer.code === undefined) this.#tell(answer)
    else if ([GROUP_GONE, UNKNOWN_MEMBER, FENCED].includes(answer.code)) this.putOut()
    return answer
  }

  #tell({ epoch, given = {} }: WireAssignment): void {
    const before = this.#member ?? { epoch: 0, previous: -1 }
    const partitions = Object.entries(given).flatMap(([id, ofTopic]) => ofTopic.map((partition) => `${id}:${partition}`))
    this.#member = { epoch, previous: epoch === before.epoch ? before.previous : before.epoch, given: partitions }
  }

  /** Who is a member can't join; one epoch is forgiven to who has no more than it was given, since the answer may have been lost. */
  #refusal({ epoch, instanceId, owned }: WireHeartbeat): number | undefined {
    const member = this.#member
    if (member === undefined) return epoch === 0 ? undefined : UNKNOWN_MEMBER
    if (epoch < 0 || epoch === member.epoch) return undefined
    if (epoch === 0 && instanceId !== null) return UNRELEASED
    const isForgiven = epoch === member.previous && owned.every((one) => member.given.includes(one))
    return isForgiven ? undefined : FENCED
  }
}

/** Version of requests for offsets that tell who asks. */
const MEMBERS_SINCE = 8

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
  return new ByteWriter()
    .int32(0)
    .array([], () => {})
    .int16(0)
    .noTags()
    .finish()
}

function noOffsetsOfMember(code: number): Buffer {
  const out = new ByteWriter().int32(0)
  out.array(['g'], (group) => {
    out.string(group).array([], () => {})
    out.int16(code).noTags()
  })
  return out.noTags().finish()
}
