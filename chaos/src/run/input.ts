import { setTimeout as sleep } from 'node:timers/promises'
import type { Transport } from '@millrace/core'
import { inputSerdes, type Numbered } from '../worker/topology.ts'
import type { Random } from './random.ts'
import { TopicWriter } from './topics.ts'

/** How often input is written. */
const EVERY_MS = 50

export interface InputOptions {
  readonly transport: Transport
  readonly topic: string
  readonly keys: number
  /** Records a second. */
  readonly rate: number
  readonly random: Random
  readonly stopped: AbortSignal
}

/** Writes numbered records of random keys, at an even rate, until it is stopped. */
export async function writeInput({ transport, topic, keys, rate, random, stopped }: InputOptions): Promise<void> {
  const last = new Map<string, number>()
  const began = performance.now()
  let written = 0
  const next = (): Numbered => {
    const key = `k${random.below(keys)}`
    const seq = (last.get(key) ?? 0) + 1
    last.set(key, seq)
    return { key, seq }
  }
  await new TopicWriter(transport, topic, inputSerdes).write(async () => {
    for (;;) {
      if (stopped.aborted) return undefined
      const due = Math.floor(((performance.now() - began) / 1_000) * rate) - written
      if (due > 0) {
        written += due
        return Array.from({ length: due }, () => [null, next()] as const)
      }
      await sleep(EVERY_MS)
    }
  })
}
