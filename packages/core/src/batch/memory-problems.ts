import { isObject } from '../internal/is-object.ts'
import type { BatchOptions, SourceBatchOptions } from './batch-options.ts'

/** Where the options called `name`, or those they have for single topics, let one batch take more memory than all that waits. */
export function sourceMemoryProblems(name: string, options: SourceBatchOptions, memoryBudgetBytes: number): string[] {
  const topics = Object.entries(options.topics ?? {}).filter(([, own]) => isObject(own))
  return [
    ...memoryProblems(`${name}.maxMemoryBytes`, options, memoryBudgetBytes),
    ...topics.flatMap(([topic, own]) => memoryProblems(`${name}.topics['${topic}'].maxMemoryBytes`, own, memoryBudgetBytes)),
  ]
}

/** The same of one layer, where its option is called `name`. A default never is too much: it is cut when the budget is spent. */
export function memoryProblems(name: string, { maxMemoryBytes }: BatchOptions, memoryBudgetBytes: number): string[] {
  if (maxMemoryBytes === undefined || !(maxMemoryBytes > memoryBudgetBytes)) return []
  return [`${name} is ${maxMemoryBytes} and batch.memoryBudgetBytes is ${memoryBudgetBytes}; use a maxMemoryBytes of at most the budget.`]
}
