import { availableParallelism, cpus, totalmem } from 'node:os'

/** Where figures come from: they don't travel, ratios do. */
export interface Machine {
  readonly node: string
  readonly v8: string
  readonly platform: string
  readonly cpu: string
  readonly cpus: number
  readonly memoryBytes: number
}

export function thisMachine(): Machine {
  return {
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  }
}
