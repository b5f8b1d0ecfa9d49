import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take minutes, and wait for most of them: what begins last should not be what ends last. */
const LONG = [
  'tests/bulk-sink-away.database',
  'tests/bounded-memory.broker',
  'tests/hot-standby.broker',
  'tests/kafka-streams.broker',
  'transport-kafka/test/conformance.broker',
  'tests/cluster.broker',
  'tests/outage.broker',
  'tests/outage-shutdown.broker',
  'tools/test/packages.broker',
  'tests/frozen-broker.broker',
  'tests/hot-standby-faults.broker',
]

/** The files that take longest begin first; how long the others take is known from the last run, or guessed from their size. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.includes(name))
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
