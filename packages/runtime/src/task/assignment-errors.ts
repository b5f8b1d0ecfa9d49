import { MillraceError } from '@millrace/core'

/** Part of a task has gone to another member, for good. */
export function taskSplit(id: string, missing: readonly string[]): MillraceError {
  const topics = missing.map((topic) => `'${topic}'`).join(', ')
  return new MillraceError(
    'TASK_SPLIT',
    `Task ${id} needs the same partition of all its topics on one member, but ${topics} went to another. ` +
      `All members of the group must run the same topology and use range assignment.`,
    { stage: 'source', task: id, topic: missing[0] },
  )
}

/** A topic was assigned that nobody asked for. */
export function topicUnexpected(topic: string): MillraceError {
  return new MillraceError(
    'TOPIC_UNEXPECTED',
    `Topic '${topic}' was assigned, but no source of the topology reads it: does another application use the same application id?`,
    { stage: 'source', topic },
  )
}
