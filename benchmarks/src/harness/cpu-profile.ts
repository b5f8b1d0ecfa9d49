import { mkdir, writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'
import type { CpuProfile } from '../report/profile-parts.ts'

const INTERVAL_US = 100

/** Writes a CPU profile of `work` into `folder`, and resolves to it; Chrome's developer tools and `node --cpu-prof` users know the format. */
export async function profiled(folder: string, name: string, work: () => Promise<void>): Promise<CpuProfile> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
    await session.post('Profiler.start')
    await work()
    const { profile } = await session.post('Profiler.stop')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `${name.replaceAll(/[^a-zA-Z0-9.]+/g, '-')}.cpuprofile`), JSON.stringify(profile))
    return profile as CpuProfile
  } finally {
    session.disconnect()
  }
}
