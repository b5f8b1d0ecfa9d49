import type { ProcessingGuarantee } from 'millrace'
import { descents, lostState, lostWords, ofLastEpochs, unorderedWords, zombieRecordsOfTheirOwn } from './at-least-once.ts'
import { notExact } from './exactly-once.ts'
import type { TracedGroup } from './traced-group.ts'

/**
 * What is wrong with what a traced group has written, in words: nothing if its guarantee was kept. Exactly once: each word's counts are 1, 2, 3... up to the
 * true one, and its state is the true one. At least once: no word, in output and state, has less than the true count; counts ascend, repeats
 * removed; and nobody sets state back.
 */
export async function wrongs(group: TracedGroup, guarantee: ProcessingGuarantee): Promise<string[]> {
  const { output, changelog } = await group.written()
  const truth = group.trueCounts()
  if (guarantee === 'exactly-once') return notExact(truth, output, changelog)
  const counted = ofLastEpochs(output)
  return [
    ...lostWords(counted, truth),
    ...lostState(changelog, truth),
    ...unorderedWords(counted),
    ...descents(changelog),
    ...zombieRecordsOfTheirOwn(output),
  ]
}
