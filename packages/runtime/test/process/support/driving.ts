import { ColumnBatch, type DetectedProcessor, detectProcessor, type Ordering, serdes, silentLogger } from '@millrace/core'
import { driveProcessor } from '../../../src/process/drive-processor.ts'
import { NodeContext } from '../../../src/process/node-context.ts'
import type { RunningConcurrency } from '../../../src/process/node-concurrency.ts'
import { OutputBudget } from '../../../src/process/output-budget.ts'
import { Punctuations } from '../../../src/process/punctuations.ts'
import type { TaskScope } from '../../../src/process/task-scope.ts'

/** How a node under test is run. */
export interface Driving {
  readonly concurrency?:
    | { readonly ordering: Ordering; readonly limit: number; readonly keySerde?: RunningConcurrency['keySerde'] }
    | undefined
  readonly outputs?: readonly string[]
  readonly single?: boolean
  readonly keep?: boolean
  readonly outputBytes?: number
}

/** Keys with values 0, 1, ... from offset 100, a second apart. */
export function batchOf(keys: readonly unknown[]): ColumnBatch<unknown, unknown> {
  return new ColumnBatch<unknown, unknown>({
    topic: 'in',
    partition: 0,
    trigger: 'records',
    keys,
    values: keys.map((_, i) => i),
    timestamps: keys.map((_, i) => 1_000 * (i + 1)),
    offsets: keys.map((_, i) => 100 + i),
  })
}

/** One node of a task, without the rest of it. */
export class DrivenNode {
  readonly scope: TaskScope
  readonly context: NodeContext
  guard: () => void = () => undefined
  readonly #processor: DetectedProcessor
  readonly #options: Driving

  constructor(processor: unknown, options: Driving = {}) {
    this.#options = options
    this.#processor = detectProcessor(processor, 'node')
    this.scope = {
      applicationId: 'test',
      taskId: '0_0',
      partition: 0,
      logger: silentLogger,
      signal: new AbortController().signal,
      guard: () => this.guard(),
      streamTime: -1,
      writeTimestamp: -1,
      requestCommit: () => undefined,
      storeHandle: (_, timestamp) => timestamp,
    }
    const identity = { name: 'node', outputs: options.outputs ?? [], stores: [{ name: 'store' }] }
    this.context = new NodeContext(this.scope, identity, new Punctuations(() => 0))
  }

  /** Gives it a batch; `output` is what it forwards to its default output, or to the one that is named. */
  async drive(batch: ColumnBatch<unknown, unknown>) {
    const input = { batch, origin: { kind: 'source', edge: 0 }, streamTime: batch.streamTime(batch.length - 1) } as const
    const { concurrency, single = false, keep = false, outputBytes = 1_000_000 } = this.#options
    this.context.open(input, new OutputBudget(outputBytes))
    try {
      const failed = await driveProcessor(this.#processor, this.context, input, {
        scope: this.scope,
        single,
        keep,
        concurrency: concurrency === undefined ? undefined : { keySerde: serdes.json(), ...concurrency },
      })
      const gathered = this.context.close()
      return { failed, output: (name = '') => gathered.get(name)?.toBatch() }
    } catch (error) {
      this.context.abandon()
      throw error
    }
  }
}
