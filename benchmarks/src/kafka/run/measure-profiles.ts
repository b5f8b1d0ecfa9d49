import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Program } from '../programs/programs.ts'
import { type CpuProfile, profileParts, type ProgramProfile } from '../../report/profile-parts.ts'
import { shapeFor, type Workload } from '../workloads.ts'
import { runOnce } from './run-once.ts'
import type { Surroundings } from './surroundings.ts'

export interface ProfileOptions {
  /** Those in JavaScript. */
  readonly programs: readonly Program[]
  readonly surroundings: Surroundings
  /** Where the profiles go, for Chrome's developer tools. */
  readonly folder: string
}

/** Runs each program once more with the profiler on, which is not timed, since that takes time of its own. */
export async function measureProfiles(workload: Workload, { programs, surroundings, folder }: ProfileOptions): Promise<ProgramProfile[]> {
  await mkdir(folder, { recursive: true })
  const profiles: ProgramProfile[] = []
  for (const program of programs) {
    const file = join(folder, `${workload.name}-${program.name}.cpuprofile`)
    await runOnce(program, workload, surroundings, { profileFile: file })
    const profile = JSON.parse(await readFile(file, 'utf8')) as CpuProfile
    profiles.push({ title: program.title, parts: profileParts(profile, shapeFor(program.name, workload).records) })
  }
  return profiles
}
