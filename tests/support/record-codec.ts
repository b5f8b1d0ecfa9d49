import { once } from 'node:events'
import { connect } from 'node:net'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const FETCH = 1
const VERSION = 4
/** Where the attributes of a record batch are, whose three lowest bits are the codec. */
const ATTRIBUTES = 21

/** How the first record batch of a topic's partition 0 is compressed in the log, as its broker hands it out. */
export async function recordCodec(brokers: string, topic: string): Promise<string | undefined> {
  const [host = '', port] = (brokers.split(',')[0] ?? '').split(/:(?=\d+$)/)
  const socket = connect(Number(port), host)
  try {
    await once(socket, 'connect')
    socket.write(fetchRequest(topic))
    let answer = Buffer.alloc(0)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) break
    }
    return CODECS[recordsIn(answer, topic).readInt16BE(ATTRIBUTES) & 7]
  } finally {
    socket.destroy()
  }
}

function fetchRequest(topic: string): Buffer {
  const name = (text: string) => Buffer.concat([int(2, text.length), Buffer.from(text)])
  const header = [int(2, FETCH), int(2, VERSION), int(4, 1), name('codec')]
  // No replica; a second for a byte; a megabyte, uncommitted; one topic, one partition, from its beginning.
  const asked = [int(4, -1), int(4, 1_000), int(4, 1), int(4, 1_048_576), int(1, 0), int(4, 1), name(topic), int(4, 1)]
  const body = Buffer.concat([...header, ...asked, int(4, 0), int(8, 0), int(4, 1_048_576)])
  return Buffer.concat([int(4, body.length), body])
}

function recordsIn(answer: Buffer, topic: string): Buffer {
  // Length, correlation, throttling, one topic and its name, one partition and its number.
  const partition = 4 + 4 + 4 + 4 + 2 + topic.length + 4 + 4
  const error = answer.readInt16BE(partition)
  if (error !== 0) throw new Error(`the broker answered ${error} for ${topic}`)
  const aborted = partition + 2 + 8 + 8
  const count = Math.max(0, answer.readInt32BE(aborted))
  return answer.subarray(aborted + 4 + count * 16 + 4)
}

function int(bytes: 1 | 2 | 4 | 8, value: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  if (bytes === 8) buffer.writeBigInt64BE(BigInt(value))
  else buffer.writeIntBE(value, 0, bytes)
  return buffer
}
