import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Reader } from '@platformatic/kafka'
import { ByteReader } from '../../src/wire/byte-reader.ts'
import { ByteWriter } from '../../src/wire/byte-writer.ts'

/** Requests by their keys. */
export const KEY = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  offsetCommit: 8,
  offsetFetch: 9,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  leaveGroup: 13,
  syncGroup: 14,
  saslHandshake: 17,
  apiVersions: 18,
  initProducerId: 22,
  addPartitions: 24,
  endTransaction: 26,
  describeConfigs: 32,
  saslAuthenticate: 36,
  consumerGroupHeartbeat: 68,
} as const

export interface WireRequest {
  readonly key: number
  readonly version: number
  readonly body: ByteReader
}

/** The body of an answer, or nothing at all, or the end of the connection. */
export type WireAnswer = Buffer | 'silence' | 'cut'
export type Answering = (request: WireRequest) => WireAnswer | Promise<WireAnswer>

export interface WireTopic {
  readonly name: string
  /** Its last digit; others are 0. Default: 1. */
  readonly id?: number
  /** Default: 0. */
  readonly code?: number
  readonly partitions: readonly { readonly leader: number; readonly epoch: number }[]
}

const VERSIONS: Readonly<Record<number, readonly [number, number]>> = {
  [KEY.produce]: [9, 12],
  [KEY.fetch]: [12, 12],
  [KEY.listOffsets]: [9, 9],
  [KEY.metadata]: [12, 12],
  [KEY.offsetCommit]: [9, 9],
  [KEY.offsetFetch]: [7, 9],
  [KEY.findCoordinator]: [3, 3],
  [KEY.joinGroup]: [9, 9],
  [KEY.heartbeat]: [4, 4],
  [KEY.leaveGroup]: [5, 5],
  [KEY.syncGroup]: [5, 5],
  [KEY.apiVersions]: [3, 3],
  [KEY.initProducerId]: [5, 5],
  [KEY.addPartitions]: [3, 3],
  [KEY.endTransaction]: [3, 5],
  [KEY.consumerGroupHeartbeat]: [0, 1],
}

/** Their tag in what is answered of versions. */
const FINALIZED_FEATURES = 2

/** A server that speaks the bytes of a broker, and says what the test wants of it. It is its own cluster, as broker 1 or as many. */
export class WireBroker implements AsyncDisposable {
  topics: readonly WireTopic[] = []
  /** Brokers that it is. */
  nodes: readonly number[] = [1]
  /** Ports of those of them that are not here. */
  readonly ports = new Map<number, number>()
  /** Of each request, that it says it speaks; answered are those above. */
  readonly versions = new Map(Object.entries(VERSIONS).map(([key, range]) => [Number(key), range]))
  /** Levels of what it says the cluster has switched on. */
  readonly features = new Map<string, number>()
  /** Answers instead of what is answered below. */
  readonly answers = new Map<number, Answering>()
  /** Keys of all requests so far, but those for versions. */
  readonly asked: number[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #producerIds = 100

  private constructor() {
    this.#server = createServer((socket) => this.#accept(socket))
  }

  static async open(...topics: WireTopic[]): Promise<WireBroker> {
    const broker = new WireBroker()
    broker.topics = topics
    broker.#server.listen(0, '127.0.0.1')
    await once(broker.#server, 'listening')
    return broker
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get brokers(): { host: string; port: number }[] {
    return [{ host: '127.0.0.1', port: this.port }]
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size
  }

  count(key: number): number {
    return this.asked.filter((one) => one === key).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    let rest: Buffer = Buffer.alloc(0)
    // In turn, as brokers do.
    let before = Promise.resolve()
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE()) {
        const request = rest.subarray(4, 4 + rest.readInt32BE())
        rest = rest.subarray(4 + request.length)
        before = before.then(() => this.#answer(socket, request))
      }
    })
  }

  async #answer(socket: Socket, request: Buffer): Promise<void> {
    const [key, version, correlation, nameLength] = [
      request.readInt16BE(0),
      request.readInt16BE(2),
      request.readInt32BE(4),
      request.readInt16BE(8),
    ]
    // Behind the name: no tags.
    const body = reading(request.subarray(10 + Math.max(0, nameLength) + 1))
    if (key !== KEY.apiVersions) this.asked.push(key)
    const answer = await (this.answers.get(key) ?? ((one) => this.usual(one)))({ key, version, body })
    if (answer === 'cut') socket.destroy()
    if (typeof answer === 'string' || socket.destroyed) return
    const head = Buffer.alloc(key === KEY.apiVersions || key === KEY.saslHandshake ? 8 : 9)
    head.writeInt32BE(head.length - 4 + answer.length, 0)
    head.writeInt32BE(correlation, 4)
    socket.write(Buffer.concat([head, answer]))
  }

  /** What is answered unless the test says otherwise. */
  usual({ key, version, body }: WireRequest): WireAnswer {
    if (key === KEY.apiVersions) return versions(this.versions, this.features)
    if (key === KEY.metadata) return this.#metadata()
    if (key === KEY.initProducerId) return identity(0, this.#producerIds++)
    if (key === KEY.findCoordinator) return found(0, this.port)
    if (key === KEY.addPartitions) return added(body)
    if (key === KEY.endTransaction) return version < 5 ? ended(0) : goingOn(readEnd(body))
    if (key === KEY.produce) return produced(readProduce(body).map(({ topic, partition }) => ({ topic, partition, code: 0 })))
    return 'silence'
  }

  #metadata(): Buffer {
    const out = new ByteWriter().int32(0)
    out.array(this.nodes, (id) => {
      out.int32(id).string('127.0.0.1')
      out
        .int32(this.ports.get(id) ?? this.port)
        .string(null)
        .noTags()
    })
    out.string('cluster').int32(this.nodes[0] ?? -1)
    out.array(this.topics, ({ name, id = 1, code = 0, partitions }) => {
      out.int16(code).string(name).int64(0).int64(id).int8(0)
      out.array([...partitions.entries()], ([index, { leader, epoch }]) => {
        out.int16(0).int32(index).int32(leader).int32(epoch)
        for (let lists = 0; lists < 3; lists++) out.array([], () => {})
        out.noTags()
      })
      out.int32(0).noTags()
    })
    return out.noTags().finish()
  }
}

function reading(bytes: Buffer): ByteReader {
  return new ByteReader(Reader.from(bytes).buffer)
}

function versions(spoken: ReadonlyMap<number, readonly [number, number]>, features: ReadonlyMap<string, number>): Buffer {
  const out = new ByteWriter().int16(0)
  out.array([...spoken], ([key, [min, max]]) => out.int16(key).int16(min).int16(max).noTags())
  out.int32(0)
  if (features.size === 0) return out.noTags().finish()
  const finalized = new ByteWriter()
  finalized.array([...features], ([name, level]) => finalized.string(name).int16(level).int16(0).noTags())
  const bytes = finalized.finish()
  return Buffer.concat([out.unsignedVarint(1).unsignedVarint(FINALIZED_FEATURES).unsignedVarint(bytes.length).finish(), bytes])
}

/** Who coordinates. */
export function found(code: number, port = -1, node = 1): Buffer {
  return new ByteWriter().int32(0).int16(code).string(null).int32(node).string('127.0.0.1').int32(port).noTags().finish()
}

/** As whom to write from now on: also of the end of a transaction, by the versions of KIP-890. */
export function identity(code: number, producerId: number, epoch = 0): Buffer {
  return new ByteWriter().int32(0).int16(code).int64(producerId).int16(epoch).noTags().finish()
}

export function ended(code: number): Buffer {
  return new ByteWriter().int32(0).int16(code).noTags().finish()
}

export interface EndAsked {
  readonly producerId: number
  readonly epoch: number
  readonly isCommit: boolean
}

/** What a request to end a transaction says. */
export function readEnd(body: ByteReader): EndAsked {
  body.string()
  // The last is one byte.
  return { producerId: body.int64(), epoch: body.int16(), isCommit: body.unsignedVarint() === 1 }
}

/** By the versions of KIP-890 each transaction has an epoch of its own. */
export function goingOn({ producerId, epoch }: EndAsked): Buffer {
  return identity(0, producerId, epoch + 1)
}

/** All that are asked for. */
export function added(body: ByteReader, code = 0): Buffer {
  body.string()
  body.int64()
  body.int16()
  const topics = body.array(() => {
    const topic = body.string()
    const partitions = body.array(() => body.int32())
    body.tags()
    return { topic, partitions }
  })
  const out = new ByteWriter().int32(0)
  out.array(topics, ({ topic, partitions }) => {
    out.string(topic).array(partitions, (partition) => out.int32(partition).int16(code).noTags())
    out.noTags()
  })
  return out.noTags().finish()
}

/** Topics that a request asks for. */
export function readMetadata(body: ByteReader): string[] {
  return body.array(() => {
    body.uuid()
    const name = body.string() ?? ''
    body.tags()
    return name
  })
}

export interface ProducedBatch {
  readonly topic: string
  readonly partition: number
  readonly producerId: number
  readonly epoch: number
  readonly sequence: number
  readonly records: number
}

/** What a request to write holds. */
export function readProduce(body: ByteReader): ProducedBatch[] {
  body.string()
  body.int16()
  body.int32()
  return body.topics((topic) => {
    const partition = body.int32()
    const batch = Buffer.from(body.bytes() ?? [])
    body.tags()
    return {
      topic,
      partition,
      producerId: Number(batch.readBigInt64BE(43)),
      epoch: batch.readInt16BE(51),
      sequence: batch.readInt32BE(53),
      records: batch.readInt32BE(57),
    }
  })
}

export interface ProducedOutcome {
  readonly topic: string
  readonly partition: number
  readonly code: number
  readonly baseOffset?: number
  readonly refused?: readonly { readonly index: number; readonly message: string }[]
}

export function produced(outcomes: readonly ProducedOutcome[]): Buffer {
  const out = new ByteWriter()
  out.array(outcomes, ({ topic, partition, code, baseOffset = 0, refused = [] }) => {
    out.string(topic)
    out.array([partition], () => {
      out.int32(partition).int16(code).int64(baseOffset).int64(-1).int64(0)
      out.array(refused, ({ index, message }) => out.int32(index).string(message).noTags())
      out.string(null).noTags()
    })
    out.noTags()
  })
  return out.int32(0).noTags().finish()
}

export interface FetchedAnswer {
  readonly topic: string
  readonly partition: number
  /** Default: 0. */
  readonly code?: number
  /** Default: 0. */
  readonly end?: number
  /** Default: -1. */
  readonly preferredReplica?: number
  /** Default: its log is as the reader knows it. */
  readonly diverging?: { readonly epoch: number; readonly endOffset: number }
  readonly records?: Uint8Array
}

export function fetched(answers: readonly FetchedAnswer[]): Buffer {
  const out = new ByteWriter().int32(0).int16(0).int32(0)
  out.array(answers, ({ topic, partition, code = 0, end = 0, preferredReplica = -1, records = new Uint8Array(0), diverging }) => {
    out.string(topic)
    out.array([partition], () => {
      out.int32(partition).int16(code).int64(end).int64(end).int64(0)
      out.array([], () => {})
      out.int32(preferredReplica).unsignedVarint(records.length + 1)
      for (const byte of records) out.int8((byte << 24) >> 24)
      if (diverging === undefined) out.noTags()
      else out.unsignedVarint(1).unsignedVarint(0).unsignedVarint(13).int32(diverging.epoch).int64(diverging.endOffset).noTags()
    })
    out.noTags()
  })
  return out.noTags().finish()
}

export interface FetchedFrom {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Of the record before it; -1: not known. */
  readonly fetchedEpoch: number
}

/** The offset that a request asks each partition for. */
export function readFetch(body: ByteReader): FetchedFrom[] {
  for (let i = 0; i < 4; i++) body.int32()
  body.unsignedVarint()
  body.int32()
  body.int32()
  return body.topics((topic) => {
    const partition = body.int32()
    body.int32()
    const offset = body.int64()
    const fetchedEpoch = body.int32()
    body.int64()
    body.int32()
    body.tags()
    return { topic, partition, offset, fetchedEpoch }
  })
}

/** Of a request for the offsets of one partition: the leader epoch that is asked for. */
export function readListOffsets(body: ByteReader): number {
  body.int32()
  // One byte: the isolation.
  body.unsignedVarint()
  const [epoch = -1] = body.topics(() => {
    body.int32()
    const asked = body.int32()
    body.int64()
    body.tags()
    return asked
  })
  return epoch
}

export function listed(topic: string, partition: number, { code = 0, offset = 0 } = {}): Buffer {
  const out = new ByteWriter().int32(0)
  out.topics([{ topic }], () => out.int32(partition).int16(code).int64(-1).int64(offset).int32(0).noTags())
  return out.noTags().finish()
}
