import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { InputShape } from '../input/input-shape.ts'
import { fillChangelog } from '../input/write-records.ts'
import { type ProgramConfig, STORE } from '../programs/program-config.ts'
import type { Program } from '../programs/programs.ts'
import type { Workload } from '../workloads.ts'
import type { Surroundings } from './surroundings.ts'

export interface RunParts {
  readonly surroundings: Surroundings
  readonly shape: InputShape
  /** The topic that is read. */
  readonly input: string
  /** Where a CPU profile of the program goes. */
  readonly profileFile?: string | undefined
}

/** What a program is to be run with: topics and a folder of its own, which are gone afterwards. */
export async function prepareRun(
  program: Program,
  { work, guarantee, commitIntervalMs, distant }: Workload,
  { surroundings, shape, input, profileFile }: RunParts,
): Promise<{ readonly config: ProgramConfig } & AsyncDisposable> {
  const { brokers } = surroundings
  const applicationId = surroundings.name(program.name)
  const changelog = `${applicationId}-${STORE}-changelog`
  const output = `${applicationId}-output`
  if (work !== 'restore') await surroundings.createTopic(output, shape.partitions, 'kept')
  if (work === 'restore' || (program.changelog === 'needs' && work !== 'map'))
    await surroundings.createTopic(changelog, shape.partitions, 'compacted')
  if (work === 'restore') await fillChangelog(surroundings.transport, changelog, shape)
  const folder = await mkdtemp(join(surroundings.folder, `${program.name}-`))
  const config: ProgramConfig = {
    work,
    guarantee,
    commitIntervalMs,
    brokers: distant ? (brokers.distant as string) : brokers.brokers,
    applicationId,
    input,
    output,
    changelog,
    partitions: shape.partitions,
    records: shape.records,
    stateDir: join(folder, 'state'),
    stateFile: join(folder, 'state.txt'),
    ...(profileFile !== undefined && { profileFile }),
  }
  return {
    config,
    async [Symbol.asyncDispose]() {
      await surroundings.deleteTopics([output, changelog])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
