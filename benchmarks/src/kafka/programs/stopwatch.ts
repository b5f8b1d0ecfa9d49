import { profileInto } from './cpu-profile.ts'
import type { ProgramConfig, ProgramMessage } from './program-config.ts'

/** The configuration of this process. */
export function programConfig(): ProgramConfig {
  return JSON.parse(String(process.argv[2])) as ProgramConfig
}

/** Times a program of ours, and tells who started it. */
export class Stopwatch {
  #began = 0
  #cpu: NodeJS.CpuUsage | undefined
  readonly #profileFile: string | undefined
  #writeProfile: (() => void) | undefined

  constructor({ profileFile }: ProgramConfig) {
    this.#profileFile = profileFile
  }

  /** With each batch of records that was read: the first counts. `agoMs`: when it was there. */
  read(agoMs = 0): void {
    if (this.#cpu !== undefined) return
    this.#began = performance.now() - agoMs
    this.#cpu = process.cpuUsage()
    tell({ type: 'started' })
    if (this.#profileFile !== undefined) this.#writeProfile = profileInto(this.#profileFile)
  }

  /** When the last commit was acknowledged. */
  done(): void {
    const ms = performance.now() - this.#began
    const { user, system } = process.cpuUsage(this.#cpu)
    tell({ type: 'done', ms, cpuMs: (user + system) / 1_000, peakBytes: process.resourceUsage().maxRSS * 1_024 })
    this.#writeProfile?.()
  }
}

function tell(message: ProgramMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
