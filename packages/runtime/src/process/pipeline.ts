import {
  type CircuitBreakers,
  type ColumnBatch,
  type DetectedProcessor,
  detectProcessor,
  type PassTrace,
  type RecordFailure,
  type ResolvedDefinition,
  type SubTopology,
  type TopologyNode,
} from '@millrace/core'
import { encodeSink, type ResolvedSink } from '../sink/encode-sink.ts'
import { mergeSinkOutputs, type NodeOutput, outputWithoutRows, type PassOutput } from '../sink/sink-output.ts'
import { type RunningOutsideSink, stageOutside } from '../sink/stage-outside.ts'
import type { TopicDirectory } from '../sink/topic-directory.ts'
import { driveProcessor } from './drive-processor.ts'
import type { Gathered } from './gathered.ts'
import { NodeContext } from './node-context.ts'
import { mergeInputs, type NodeInput, noRecords, selectRecords, sourceRow, splitAtRows, whereRow } from './node-input.ts'
import { concurrencyOf, type RunningConcurrency } from './node-concurrency.ts'
import { OutputBudget } from './output-budget.ts'
import { type FailedRow, ProcessingError, processingError, RecordsFailed } from './processing-error.ts'
import type { Punctuation, Punctuations } from './punctuations.ts'
import type { TaskScope } from './task-scope.ts'

/** Told what went through a node. */
export type NodeListener = (node: TopologyNode, inputs: readonly NodeInput[], input: NodeInput, cost: NodeCost) => void

export interface NodeCost {
  /** Written at a sink. */
  readonly bytes: number
  readonly durationMs: number
}

export interface PipelineOptions {
  readonly subTopology: SubTopology
  readonly scope: TaskScope
  readonly punctuations: Punctuations
  readonly directory: TopicDirectory
  readonly resolveSink: (node: TopologyNode & { readonly kind: 'sink' }) => ResolvedSink
  readonly outsideSink: (node: string) => RunningOutsideSink
  readonly maxOutputBytes: number
  readonly concurrency: ResolvedDefinition['concurrency']
  readonly monotonic: () => number
  readonly onNode: NodeListener
  /** Absent: there are none. */
  readonly breakers: CircuitBreakers | undefined
}

/** A source batch, or some of its records, and how they are to be processed. */
export interface Part {
  readonly source: string
  readonly batch: ColumnBatch<unknown, unknown>
  /** Which of its records, ascending; undefined: all. */
  readonly rows: readonly number[] | undefined
  /** The policy asks for single records. */
  readonly single: boolean
  /** What was done is kept if some records failed by themselves, where they have left no trace. */
  readonly keep: boolean
  /** Where each of several batches ends that the first node may process at once; undefined: it is one batch. */
  readonly ends?: readonly number[] | undefined
  /** Who follows the pass. */
  readonly trace?: PassTrace | undefined
}

/** What became of a part. */
export interface PartDone {
  readonly outputs: readonly NodeOutput[]
  /** Records that failed by themselves: of them nothing is among `outputs`. */
  readonly failed: readonly FailedRow[]
}

/** A walk through the nodes. */
interface Walk {
  readonly inbox: NodeInput[][]
  /** Where each of several batches ends, until they part. */
  readonly ends: readonly number[] | undefined
  readonly single: boolean
  readonly keep: boolean
  /** Its nodes' successes and failures count for their circuit breakers: not those of parts, which are run to find who is at fault. */
  readonly counted: boolean
  readonly outputs: NodeOutput[]
  readonly failed: FailedRow[]
  /** What may be gathered yet, by all nodes together. */
  readonly budget: OutputBudget
  readonly trace: PassTrace | undefined
}

interface RunningNode {
  readonly node: TopologyNode
  readonly edges: readonly { readonly output: string; readonly child: number; readonly order: number }[]
  readonly sink: ResolvedSink | undefined
  readonly outside: RunningOutsideSink | undefined
  readonly context: NodeContext | undefined
  readonly processor: DetectedProcessor | undefined
  readonly concurrency: RunningConcurrency | undefined
}

/**
 * The nodes of one task, parents before children. A pass takes one source batch through all of them: each node runs once, on everything its
 * parents forwarded, so that batches stay batches. Types are erased here: the builder has checked them.
 */
export class Pipeline {
  readonly #nodes: readonly RunningNode[]
  readonly #byName: ReadonlyMap<string, number>
  readonly #options: PipelineOptions
  /** Whether some node gives its output in the order in which records are done. */
  readonly #asItComes: boolean

  constructor(options: PipelineOptions) {
    this.#options = options
    const { nodes } = options.subTopology
    this.#byName = new Map(nodes.map((node, index) => [node.name, index]))
    this.#nodes = nodes.map((node) => {
      const processor = node.kind === 'processor' ? detectProcessor(node.create(), node.name) : undefined
      return {
        node,
        edges: node.edges.map(({ output, child }, order) => ({ output, child: this.#byName.get(child) as number, order })),
        sink: node.kind === 'sink' ? options.resolveSink(node) : undefined,
        outside: node.kind === 'outside-sink' ? options.outsideSink(node.name) : undefined,
        context: node.kind === 'processor' ? new NodeContext(options.scope, node, options.punctuations) : undefined,
        processor,
        concurrency:
          node.kind === 'processor' && processor !== undefined ? concurrencyOf(node, processor, nodes, options.concurrency) : undefined,
      }
    })
    this.#asItComes = this.#nodes.some(({ concurrency }) => concurrency?.ordering === 'unordered')
  }

  /** The sink that writes to a topic, unless it chooses its topics record by record. */
  sinkOf(topic: string | undefined): string | undefined {
    return this.#nodes.find(({ sink }) => sink?.topic === topic)?.node.name
  }

  async init(): Promise<void> {
    for (const { context, processor } of this.#nodes) await processor?.init?.(context as NodeContext)
  }

  /** Closes every processor; the first error is thrown after all have been closed. */
  async close(): Promise<void> {
    const errors: unknown[] = []
    for (const { processor } of this.#nodes) {
      try {
        await processor?.close?.()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }

  /**
   * Takes a part of a batch through all nodes; resolves to what is to be written. Rejects if it failed: with a {@link RecordsFailed} if only some of its
   * records did, and they have left traces.
   */
  run({ source, batch, rows, single, keep, ends, trace }: Part): Promise<PartDone> {
    const start = this.#byName.get(source) as number
    const { edges } = this.#nodes[start] as RunningNode
    const inbox = this.#emptyInbox()
    for (const { child, order } of edges) {
      const all: NodeInput = {
        batch,
        origin: { kind: 'source', edge: order },
        streamTime: batch.streamTime(batch.length - 1),
        parent: source,
      }
      this.#put(inbox, child, rows === undefined ? all : selectRecords(all, rows))
    }
    const walk = { inbox, ends, single, keep, counted: rows === undefined, outputs: [], failed: [], budget: this.#budget(), trace }
    return this.#walk(walk, 0)
  }

  /** Calls a punctuator and takes what it forwards through the nodes that follow. */
  async punctuate(punctuation: Punctuation, time: number): Promise<PassOutput> {
    const at = this.#byName.get(punctuation.node) as number
    const running = this.#nodes[at] as RunningNode
    const { scope } = this.#options
    const context = running.context as NodeContext
    const input: NodeInput = {
      batch: noRecords(scope.partition, 'punctuate'),
      origin: { kind: 'source', edge: 0 },
      streamTime: scope.streamTime,
      punctuatedAt: time,
    }
    const budget = this.#budget()
    context.open(input, budget)
    scope.writeTimestamp = time
    try {
      await punctuation.punctuator(time)
      scope.guard()
      budget.check()
    } catch (error) {
      context.abandon()
      throw processingError(punctuation.node, input.batch, undefined, error)
    }
    const inbox = this.#emptyInbox()
    this.#deliver(running, context.close(), inbox, scope.streamTime)
    const alone = { ends: undefined, single: false, keep: false, counted: false, trace: undefined }
    const walk = { ...alone, inbox, outputs: [], failed: [], budget: this.#budget() }
    const { outputs } = await this.#walk(walk, 0)
    return mergeSinkOutputs(outputs)
  }

  /**
   * Whether the first node behind a source processes several batches at once as well as several records: nothing but their order by key, if that,
   * keeps records of one batch apart from those of another.
   */
  overlaps(source: string): boolean {
    const { edges } = this.#nodes[this.#byName.get(source) as number] as RunningNode
    const [only] = edges
    if (only === undefined || edges.length > 1) return false
    const { node, concurrency } = this.#nodes[only.child] as RunningNode
    if (node.kind !== 'processor' || concurrency === undefined || concurrency.ordering === 'partition') return false
    return node.stores.length === 0 && node.parents.length === 1
  }

  /** Each of several batches goes its way from node `from` on, one after the other. */
  async #walkApart(walk: Walk, ends: readonly number[], from: number): Promise<void> {
    const parts = walk.inbox.map((inputs) => inputs.map((input) => splitAtRows(input, ends)))
    for (let i = 0; i < ends.length; i++) {
      const inbox = parts.map((inputs) => inputs.flatMap((input) => input[i] ?? []))
      await this.#walk({ ...walk, inbox, ends: undefined }, from)
    }
  }

  async #walk(walk: Walk, from: number): Promise<Walk> {
    const { scope, directory, monotonic, onNode, breakers } = this.#options
    const { inbox, outputs, single, budget } = walk
    for (let index = from; index < this.#nodes.length; index++) {
      const inputs = inbox[index] as NodeInput[]
      if (inputs.length === 0) continue
      const running = this.#nodes[index] as RunningNode
      const input = mergeInputs(inputs)
      const began = monotonic()
      let bytes = 0
      if (running.sink !== undefined) {
        for (const output of await encodeSink(running.sink, input, directory, walk.trace)) {
          outputs.push(this.#asItComes ? { ...output, asItComes: true } : output)
          bytes += output.bytes
        }
      } else if (running.outside !== undefined) {
        outputs.push(stageOutside(running.outside, input))
      } else {
        const context = running.context as NodeContext
        context.open(input, budget)
        let failures: readonly RecordFailure[]
        try {
          const { processor, concurrency } = running
          failures = await driveProcessor(processor as DetectedProcessor, context, input, { scope, single, concurrency, keep: walk.keep })
          budget.check()
          if (failures.length > 0) this.#checkKept(walk, index, failuresOf(running.node.name, input, failures))
          if (walk.counted) noteCircuit(breakers, running.node.name, failures.length === 0)
        } catch (error) {
          context.abandon()
          if (walk.counted && (error instanceof ProcessingError || error instanceof RecordsFailed))
            noteCircuit(breakers, running.node.name, false)
          throw error
        }
        this.#deliver(running, context.close(), inbox, input.streamTime)
        if (failures.length > 0) leaveOut(walk)
      }
      onNode(running.node, inputs, input, { bytes, durationMs: monotonic() - began })
      if (walk.ends !== undefined) {
        await this.#walkApart(walk, walk.ends, index + 1)
        break
      }
    }
    return walk
  }

  /** Notes records that failed at node `index`, if the rest can be kept; otherwise throws. */
  #checkKept(walk: Walk, index: number, failed: readonly FailedRow[]): void {
    const running = this.#nodes[index] as RunningNode
    const fromPunctuator = failed.find(({ row }) => row < 0)
    if (fromPunctuator !== undefined) throw fromPunctuator.error
    // Output can be sorted out record by record, state can't: nobody who keeps any may have met the records before.
    const traced = this.#nodes.slice(0, index).some(hasStores)
    const { context, concurrency } = running
    // A batch processor vouches with its outcome for its own state; of records that failed by themselves nobody knows what they had changed.
    const own = concurrency !== undefined && hasStores(running)
    if (!walk.keep || traced || own || context?.guessed === true) throw new RecordsFailed(failed)
    walk.failed.push(...failed)
  }

  #deliver(running: RunningNode, gathered: ReadonlyMap<string, Gathered>, inbox: NodeInput[][], streamTime: number): void {
    const batches = new Map<string, ColumnBatch<unknown, unknown> | undefined>()
    for (const { output, child, order } of running.edges) {
      const from = gathered.get(output) as Gathered
      if (!batches.has(output)) batches.set(output, from.toBatch())
      const batch = batches.get(output)
      if (batch === undefined) continue
      this.#put(inbox, child, { batch, origin: { kind: 'output', output: from, edge: order }, streamTime, parent: running.node.name })
    }
  }

  #put(inbox: NodeInput[][], child: number, input: NodeInput): void {
    ;(inbox[child] as NodeInput[]).push(input)
  }

  #emptyInbox(): NodeInput[][] {
    return this.#nodes.map(() => [])
  }

  #budget(): OutputBudget {
    return new OutputBudget(this.#options.maxOutputBytes)
  }
}

function hasStores({ node }: RunningNode): boolean {
  return node.kind === 'processor' && node.stores.length > 0
}

function failuresOf(node: string, input: NodeInput, failures: readonly RecordFailure[]): FailedRow[] {
  return failures.map(({ index, error }) => ({ row: sourceRow(input, index), error: processingError(node, input.batch, index, error) }))
}

function noteCircuit(breakers: CircuitBreakers | undefined, node: string, good: boolean): void {
  if (good) breakers?.succeeded(node)
  else breakers?.failed(node)
}

/** Leaves out all that came of records that failed. */
function leaveOut({ inbox, outputs, failed }: Walk): void {
  const rows = new Set(failed.map(({ row }) => row))
  for (const [node, inputs] of inbox.entries()) inbox[node] = inputs.flatMap((input) => whereRow(input, (row) => !rows.has(row)) ?? [])
  outputs.splice(0, Infinity, ...outputs.flatMap((output) => outputWithoutRows(output, rows) ?? []))
}
