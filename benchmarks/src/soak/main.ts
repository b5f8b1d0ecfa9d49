import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { silentLogger } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import { fillInput } from '../kafka/input/write-records.ts'
import type { ProgramConfig } from '../kafka/programs/program-config.ts'
import { thisMachine } from '../report/machine.ts'
import { type Look, resultOf, type Round, told } from './results.ts'
import type { SoakConfig, SoakMessage } from './soak-messages.ts'

/** What a broker is opened with: `openBroker` of `tools/broker`. */
type OpenBroker = (options: { readonly say: (line: string) => void }) => Promise<{ readonly brokers: string; stop(): Promise<void> }>

const PARTITIONS = 4
const KEYS = 100_000
const VALUE_BYTES = 100
const TOPIC = 'soak-input'
const USAGE = `npm run soak -- [--minutes N] [--records N] [--client packed|confluent] [--guarantee at-least-once|exactly-once] [--json FILE]

An application that counts by key, in one process, at full speed: a topic of so many records (2,000,000) is read again and again, each time from nothing, for so many minutes (30).
Ends with 1 if resident memory is not flat, or a record was not counted once a round.
`

/** Runs a soak on a broker of its own; resolves to an exit code. */
export async function main(args: readonly string[], openBroker: OpenBroker): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '30' },
      records: { type: 'string', default: '2000000' },
      client: { type: 'string', default: 'packed' },
      guarantee: { type: 'string', default: 'at-least-once' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [minutes, records] = [Number(values.minutes), Number(values.records)]
  const wrong =
    !(minutes > 0) || !(Number.isSafeInteger(records) && records > 0) || !isClient(values.client) || !isGuarantee(values.guarantee)
  if (values.help || wrong) {
    process[values.help ? 'stdout' : 'stderr'].write(USAGE)
    return values.help ? 0 : 2
  }
  const { client, guarantee } = values as Pick<SoakConfig, 'client'> & Pick<ProgramConfig, 'guarantee'>
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const broker = await openBroker({ say })
  const folder = await mkdtemp(join(tmpdir(), 'millrace-soak-'))
  try {
    const program = await prepared(broker.brokers, { folder, records, guarantee })
    const { looks, rounds } = await run({ program, client, minutes }, say)
    const result = resultOf(looks, rounds, records)
    process.stdout.write(told(result))
    if (values.json !== undefined)
      await writeFile(values.json, `${JSON.stringify({ machine: thisMachine(), client, guarantee, minutes, ...result }, null, 2)}\n`)
    return result.flat && result.miscounted.length === 0 ? 0 : 1
  } finally {
    await broker.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Preparing {
  readonly folder: string
  readonly records: number
  readonly guarantee: ProgramConfig['guarantee']
}

/** Topics of which a broker keeps little but the input, which is filled. */
async function prepared(brokers: string, { folder, records, guarantee }: Preparing): Promise<ProgramConfig> {
  const output = 'soak-output'
  const transport = kafka({ brokers })
  await using admin = await transport.openAdmin({ logger: silentLogger })
  const little = { 'segment.bytes': '67108864', 'retention.bytes': '134217728' }
  await admin.createTopics([
    // Its times are of long ago.
    { topic: TOPIC, partitions: PARTITIONS, config: { 'retention.ms': '-1' } },
    { topic: output, partitions: PARTITIONS, config: little },
  ])
  await fillInput(transport, TOPIC, { records, keys: KEYS, valueBytes: VALUE_BYTES, partitions: PARTITIONS })
  return {
    work: 'count',
    guarantee,
    commitIntervalMs: guarantee === 'exactly-once' ? 100 : 1_000,
    brokers,
    applicationId: 'soak',
    input: TOPIC,
    output,
    // Each application has its own.
    changelog: '',
    partitions: PARTITIONS,
    records,
    stateDir: join(folder, 'state'),
    stateFile: join(folder, 'state.txt'),
  }
}

async function run(config: SoakConfig, say: (line: string) => void) {
  const looks: Look[] = []
  const rounds: Round[] = []
  const program = fork(fileURLToPath(new URL('soak-program.js', import.meta.url)))
  program.on('message', (message: SoakMessage) => {
    if (message.type === 'memory') looks.push(message)
    else {
      rounds.push(message)
      const resident = looks.at(-1)?.residentBytes ?? 0
      say(
        `round ${message.round}: ${(config.program.records / message.ms).toFixed(0)} records a millisecond, ${(resident / 1_048_576).toFixed(0)} MiB resident`,
      )
    }
  })
  program.send(config)
  const [code, signal] = (await once(program, 'exit')) as [number | null, NodeJS.Signals | null]
  if (code !== 0) throw new Error(`The program of the soak ended with ${signal ?? code}; what it said is above.`)
  return { looks, rounds }
}

function isClient(name: string): boolean {
  return name === 'packed' || name === 'confluent'
}

function isGuarantee(name: string): boolean {
  return name === 'at-least-once' || name === 'exactly-once'
}
