import { batchEnvironment } from '../batch/batch-environment.ts'
import type { Environment } from '../batch/environment-values.ts'
import { sourceBatchProblems } from '../batch/batch-options-problems.ts'
import { DEFAULT_MEMORY_BUDGET_BYTES } from '../batch/batch-policy.ts'
import { type BatchSettings, settingsProblems, sourcesOf, unreadTopics } from '../batch/batch-settings.ts'
import { sourceMemoryProblems } from '../batch/memory-problems.ts'
import { definedOnly } from '../internal/defined-only.ts'
import { numberProblem } from '../internal/number-problem.ts'
import type { AppDefinition } from './app-definition.ts'

/** The batch settings of an application, and everything that is wrong with them. */
export function resolveBatching(
  definition: AppDefinition,
  variables: Environment,
): { readonly settings: BatchSettings; readonly problems: readonly string[] } {
  const { topology, applicationId, batch = {} } = definition
  const app = definedOnly(batch)
  const environment = batchEnvironment(variables)
  const { memoryBudgetBytes = DEFAULT_MEMORY_BUDGET_BYTES } = app
  const settings: BatchSettings = Object.freeze({
    app: Object.freeze(app),
    environment: Object.freeze(environment.options),
    changes: [],
    memoryBudgetBytes,
  })
  const problems = [...sourceBatchProblems('batch', batch, ['memoryBudgetBytes']), ...environment.problems]
  const budgetProblem = numberProblem('batch.memoryBudgetBytes', memoryBudgetBytes, { min: 1 })
  problems.push(...(budgetProblem === undefined ? sourceMemoryProblems('batch', app, memoryBudgetBytes) : [budgetProblem]))
  if (!Array.isArray(topology?.nodes)) return { settings, problems }
  for (const topic of unreadTopics(app, { topology, applicationId })) problems.push(`batch.topics names '${topic}', which no source reads.`)
  if (budgetProblem === undefined)
    for (const { name, batch: own } of sourcesOf(topology))
      problems.push(...sourceMemoryProblems(`Source '${name}': batch`, own, memoryBudgetBytes))
  // Layers that are bad by themselves need not be laid over each other.
  if (problems.length === 0) problems.push(...settingsProblems(settings, { topology, applicationId }))
  return { settings, problems }
}
