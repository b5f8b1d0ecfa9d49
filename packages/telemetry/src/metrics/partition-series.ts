import type { BatchTrigger, PassEndedEvent } from '@millrace/core'
import type { Series } from './family.ts'
import type { Recorder } from './recorder.ts'

const OUTCOMES: readonly PassEndedEvent['outcome'][] = ['done', 'cut', 'handed-back', 'failed']

/** What is counted for one node and the topic that its records come from. */
export interface NodeSeries {
  readonly records: Series
  readonly bytes: Series
  readonly seconds: Series
}

/** What is counted for one topic-partition of one task: all series, looked up once. */
export class PartitionSeries {
  readonly partition: string
  /** Records of the batch that was cut last. */
  lastBatch = 0
  readonly batchedRecords: Series
  readonly batchRecords: Series
  readonly batchBytes: Series
  readonly fill: Series
  readonly pass: Series
  readonly waited: Series
  readonly retries: Series
  readonly retried: Series
  readonly batches: Remembered<BatchTrigger>
  readonly passes: Remembered<PassEndedEvent['outcome']>
  /** Under the compatible names. */
  readonly compatible:
    | {
        readonly batches: Remembered<string>
        readonly messages: Remembered<string>
        readonly duration: Series
        readonly size: Series
      }
    | undefined
  readonly #recorder: Recorder
  readonly #topic: string
  readonly #nodes = new Map<string, NodeSeries>()
  /** None before a pass has ended: 0 would be a time, too. */
  #lastPass: Series | undefined

  constructor(recorder: Recorder, topic: string, partition: string) {
    const { families, application, compatible } = recorder
    const own = [application, topic, partition] as const
    this.partition = partition
    this.#recorder = recorder
    this.#topic = topic
    this.batchedRecords = families.batchedRecords.of(...own)
    this.batchRecords = families.batchRecords.of(application, topic)
    this.batchBytes = families.batchBytes.of(application, topic)
    this.fill = families.fill.of(application, topic)
    this.pass = families.pass.of(application, topic)
    this.waited = families.waited.of(...own)
    this.retries = families.retries.of(...own)
    this.retried = families.retried.of(...own)
    this.batches = remembered((trigger) => families.batches.of(...own, trigger))
    this.passes = remembered((outcome) => families.passes.of(...own, outcome))
    this.compatible = compatible && {
      batches: remembered((status) => compatible.batches.of(application, topic, status)),
      messages: remembered((status) => compatible.messages.of(application, topic, status)),
      duration: compatible.duration.of(application, topic),
      size: compatible.size.of(application, topic),
    }
    // Prometheus has to have seen the 0 before the first failure.
    for (const outcome of OUTCOMES) this.passes(outcome)
    for (const status of ['success', 'partial', 'failed']) this.compatible?.batches(status)
    for (const status of ['success', 'failed']) this.compatible?.messages(status)
  }

  /** `at`: seconds since 1970. */
  passEnded(at: number): void {
    const { families, application } = this.#recorder
    this.#lastPass ??= families.lastPass.of(application, this.#topic, this.partition)
    this.#lastPass.set(at)
  }

  node(stage: string, name: string): NodeSeries {
    let node = this.#nodes.get(name)
    if (node === undefined) {
      const { families, application } = this.#recorder
      node = {
        records: families.records.of(application, stage, name, this.#topic),
        bytes: families.bytes.of(application, stage, name, this.#topic),
        seconds: families.processing.of(application, stage, name),
      }
      this.#nodes.set(name, node)
    }
    return node
  }
}

/** Series by the value of one more label. */
export interface Remembered<Value extends string> {
  (value: Value): Series
  readonly known: ReadonlyMap<Value, Series>
}

function remembered<Value extends string>(make: (value: Value) => Series): Remembered<Value> {
  const known = new Map<Value, Series>()
  const of = (value: Value): Series => {
    let series = known.get(value)
    if (series === undefined) known.set(value, (series = make(value)))
    return series
  }
  return Object.assign(of, { known })
}
