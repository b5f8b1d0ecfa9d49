import type { ByteReader } from '../../src/wire/byte-reader.ts'
import { ByteWriter } from '../../src/wire/byte-writer.ts'
import { KEY, type WireAnswer, type WireBroker, type WireRequest } from './wire-broker.ts'

const MEMBER = 'member'

/** A commit as it arrived. */
export interface WireCommit {
  readonly generation: number
  readonly offsets: readonly number[]
  readonly leaderEpochs: readonly number[]
}

/** A group of one member, which has to join by the name that it is given first. What a test sets is answered instead. */
export class ClassicGroup {
  generation = 0
  readonly joins: string[] = []
  readonly commits: WireCommit[] = []
  /** The next that joins has what was shared out before: it is a static member that comes back. */
  isUnchanged = false
  #assignment: Uint8Array = new Uint8Array(0)
  beforeJoin: () => WireAnswer | undefined | Promise<WireAnswer | undefined> = () => undefined
  beforeSync: () => Promise<unknown> = () => Promise.resolve()
  onHeartbeat: () => WireAnswer | Promise<WireAnswer> = () => code(0)
  /** The code of the next commit. */
  onCommit: () => number | Promise<number> = () => 0

  constructor(broker: WireBroker) {
    broker.answers.set(KEY.joinGroup, (request) => this.#join(request))
    broker.answers.set(KEY.syncGroup, (request) => this.#sync(request))
    broker.answers.set(KEY.heartbeat, () => this.onHeartbeat())
    broker.answers.set(KEY.leaveGroup, () => new ByteWriter().int32(0).int16(0).array([], nothing).noTags().finish())
    broker.answers.set(KEY.offsetCommit, (request) => this.#commit(request))
  }

  async #join({ body }: WireRequest): Promise<WireAnswer> {
    body.string()
    body.int32()
    body.int32()
    const member = body.string() ?? ''
    this.joins.push(member)
    const instead = await this.beforeJoin()
    if (instead !== undefined) return instead
    if (member === '') return joined({ error: 79, generation: -1, metadata: undefined })
    for (let skipped = 0; skipped < 2; skipped++) body.string()
    const [metadata] = body.array(() => {
      body.string()
      const bytes = body.bytes() ?? new Uint8Array(0)
      body.tags()
      return bytes
    })
    const { isUnchanged } = this
    this.isUnchanged = false
    return joined({ error: 0, generation: isUnchanged ? this.generation : ++this.generation, metadata, isUnchanged })
  }

  /** What the leader says that it gets. */
  async #sync({ body }: WireRequest): Promise<WireAnswer> {
    await this.beforeSync()
    body.string()
    body.int32()
    for (let skipped = 0; skipped < 4; skipped++) body.string()
    const [assignment = this.#assignment] = body.array(() => assignmentOf(body))
    this.#assignment = Uint8Array.from(assignment)
    const out = new ByteWriter().int32(0).int16(0).string('consumer').string('millrace')
    return bytes(out, assignment).noTags().finish()
  }

  async #commit({ body }: WireRequest): Promise<WireAnswer> {
    body.string()
    const generation = body.int32()
    body.string()
    body.string()
    const partitions = body.topics((topic) => {
      const partition = body.int32()
      const offset = body.int64()
      const leaderEpoch = body.int32()
      body.string()
      body.tags()
      return { topic, partition, offset, leaderEpoch }
    })
    const answer = await this.onCommit()
    const [offsets, leaderEpochs] = [partitions.map(({ offset }) => offset), partitions.map(({ leaderEpoch }) => leaderEpoch)]
    this.commits.push({ generation, offsets, leaderEpochs })
    const out = new ByteWriter().int32(0)
    out.topics(partitions, ({ partition }) => out.int32(partition).int16(answer).noTags())
    return out.noTags().finish()
  }
}

/** An answer of nothing but that. */
export function code(value: number): Buffer {
  return new ByteWriter().int32(0).int16(value).noTags().finish()
}

function joined(answer: {
  readonly error: number
  readonly generation: number
  readonly metadata: Uint8Array | undefined
  readonly isUnchanged?: boolean
}): Buffer {
  const out = new ByteWriter().int32(0).int16(answer.error).int32(answer.generation).string('consumer').string('millrace')
  out
    .string(MEMBER)
    .int8(answer.isUnchanged === true ? 1 : 0)
    .string(MEMBER)
  out.array(answer.metadata === undefined ? [] : [answer.metadata], (metadata) => {
    out.string(MEMBER).string(null)
    bytes(out, metadata).noTags()
  })
  return out.noTags().finish()
}

function assignmentOf(body: ByteReader): Uint8Array {
  body.string()
  const assignment = body.bytes() ?? new Uint8Array(0)
  body.tags()
  return assignment
}

function bytes(out: ByteWriter, value: Uint8Array): ByteWriter {
  out.unsignedVarint(value.length + 1)
  for (const byte of value) out.int8((byte << 24) >> 24)
  return out
}

function nothing(): void {}
