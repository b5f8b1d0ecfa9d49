import { numberProblem } from '../internal/number-problem.ts'
import type { BatchPolicy } from './batch-policy.ts'

/** What is wrong with a batch policy, one sentence each. */
export function batchPolicyProblems(name: string, policy: Partial<BatchPolicy>): string[] {
  const problems: (string | undefined)[] = []
  if (policy.size !== undefined) problems.push(numberProblem(`${name}.size`, policy.size, { min: 1, max: 1_000_000 }))
  if (policy.timeoutMs !== undefined) problems.push(numberProblem(`${name}.timeoutMs`, policy.timeoutMs, { min: 0 }))
  if (policy.maxBytes !== undefined) problems.push(numberProblem(`${name}.maxBytes`, policy.maxBytes, { min: 1 }))
  return problems.filter((problem) => problem !== undefined)
}
