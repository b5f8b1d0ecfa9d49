/** The states of a task, as in Kafka Streams (`suspended` is our `finishing`: no more records, not yet committed). */
export type TaskState = 'created' | 'restoring' | 'running' | 'finishing' | 'closed'

const NEXT: Readonly<Record<TaskState, readonly TaskState[]>> = {
  created: ['restoring', 'closed'],
  restoring: ['running', 'closed'],
  running: ['finishing', 'closed'],
  finishing: ['closed'],
  closed: [],
}

export function assertTaskTransition(task: string, from: TaskState, to: TaskState): void {
  if (!NEXT[from].includes(to)) throw new Error(`Task ${task} can't go from ${from} to ${to}.`)
}
