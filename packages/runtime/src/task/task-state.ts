import type { TaskState } from '@millrace/core'

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
