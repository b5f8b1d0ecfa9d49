import { once } from 'node:events'
import { connect } from 'node:net'
import { inject } from 'vitest'
import { loadModule } from '../../src/confluent/load-module.ts'
import { promised } from '../../src/confluent/promised.ts'
import type { Callback } from '../../src/confluent/raw-api.ts'
import { RawClients } from './raw-clients.ts'

const TIMEOUT_MS = 30_000
const LEAVE_GROUP = 13
const CONSUMER_GROUP_HEARTBEAT = 68
const LEAVING_EPOCH = -1
const NOT_COORDINATOR = 16

type GroupProtocol = 'classic' | 'consumer'

interface Membership {
  readonly groupId: string
  readonly memberId: string
}

/** Makes the broker put all members out of a group, in their name and behind their backs. No client library has a call for that. */
export async function evict(groupId: string, groupProtocol: GroupProtocol): Promise<void> {
  for (const memberId of await memberIds(groupId)) {
    const member = { groupId, memberId }
    const code = await sendToCoordinator(groupProtocol === 'classic' ? leaveGroup(member) : lastHeartbeat(member))
    if (code !== 0) throw new Error(`The broker refused to put out '${memberId}', with error ${code}.`)
  }
}

interface Description {
  readonly groups: readonly { readonly members: readonly { readonly memberId: string }[] }[]
}

interface Describing {
  describeGroups(groupIds: readonly string[], options: { timeout: number }, callback: Callback<Description>): void
}

/** Who the broker takes for members of a group. */
export async function memberIds(groupId: string): Promise<readonly string[]> {
  await using raw = new RawClients()
  const { AdminClient } = await loadModule()
  const admin = AdminClient.createFrom(await raw.consumer()) as unknown as Describing
  const { groups } = await promised('describe groups', TIMEOUT_MS, (callback: Callback<Description>) =>
    admin.describeGroups([groupId], { timeout: TIMEOUT_MS }, callback),
  )
  return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId))
}

interface Request {
  readonly bytes: Buffer
  /** Where the response has its error code. */
  readonly codeAt: number
}

function leaveGroup({ groupId, memberId }: Membership): Request {
  const noInstance = int16(-1)
  const bytes = Buffer.concat([header(LEAVE_GROUP, 3), string(groupId), int32(1), string(memberId), noInstance])
  return { bytes, codeAt: 8 }
}

function lastHeartbeat({ groupId, memberId }: Membership): Request {
  // No tags of the header; then, behind the epoch: instance, rack, timeout of rebalances, topics, assignor, partitions, tags.
  const unchanged = [Buffer.of(0, 0), int32(-1), Buffer.of(0, 0, 0, 0)]
  const member = [compactString(groupId), compactString(memberId), int32(LEAVING_EPOCH)]
  return { bytes: Buffer.concat([header(CONSUMER_GROUP_HEARTBEAT, 0), Buffer.of(0), ...member, ...unchanged]), codeAt: 9 }
}

async function sendToCoordinator(request: Request): Promise<number> {
  let code = NOT_COORDINATOR
  for (const address of inject('kafkaBrokers').split(',')) if (code === NOT_COORDINATOR) code = await send(address, request)
  return code
}

async function send(address: string, { bytes, codeAt }: Request): Promise<number> {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? []
  const socket = connect(Number(port), host)
  try {
    await once(socket, 'connect')
    socket.write(Buffer.concat([int32(bytes.length), bytes]))
    let answer = Buffer.alloc(0)
    while (answer.length < 4 + codeAt + 2) {
      const [data] = (await once(socket, 'data')) as [Buffer]
      answer = Buffer.concat([answer, data])
    }
    return answer.readInt16BE(4 + codeAt)
  } finally {
    socket.destroy()
  }
}

function header(api: number, version: number): Buffer {
  const correlation = int32(1)
  return Buffer.concat([int16(api), int16(version), correlation, string('evict')])
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([int16(bytes.length), bytes])
}

/** Of less than 127 bytes. */
function compactString(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(bytes.length + 1), bytes])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
