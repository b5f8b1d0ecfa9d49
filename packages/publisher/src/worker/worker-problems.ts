import { describeValue, isObject, namesOf, numberProblem, unknownNames } from '@millrace/core'
import type { EventDefinitions } from '../events.ts'
import type { PublisherOptions } from '../publisher-options.ts'
import { resolveWorker, type WorkerOptions } from './worker-options.ts'

const NAMES = namesOf<WorkerOptions>({ events: true, execArgv: true, answerTimeoutMs: true })
const LEAST_ANSWER_MS = 1_000
const MAX_TIMER_MS = 2_147_483_647

/** What can't be had in another process. */
export function workerProblems({ worker, transport, events, outbox, clock }: PublisherOptions<EventDefinitions>): string[] {
  if (worker === undefined || worker === false) return []
  const problems: string[] = []
  if (worker !== true && !isObject(worker)) problems.push(`worker is ${describeValue(worker)}; use true, or an object.`)
  if (transport?.recipe === undefined)
    problems.push(
      `worker can't be used with transport '${transport?.name}', which lives in this process; use kafka(...), or leave worker out.`,
    )
  if (outbox !== undefined) problems.push('outbox can not be used with worker; leave one of them out.')
  if (clock !== undefined) problems.push('clock can not be used with worker: the other process has the system clock.')
  if (isObject(worker)) problems.push(...optionsProblems(worker))
  const own = isObject(worker) ? worker.events : undefined
  if (own !== undefined && !isUrl(own)) problems.push(`worker.events is ${describeValue(own)}; use the URL of a module that exports them.`)
  if (own !== undefined) return problems
  for (const [type, definition] of Object.entries(isObject(events) ? events : {}))
    if (isObject(definition) && definition.serialize !== undefined)
      problems.push(
        `events['${type}'].serialize can't be used with worker: functions don't go to another process. Name the module that has it, as worker.events, or leave worker out.`,
      )
  return problems
}

function optionsProblems(worker: WorkerOptions): string[] {
  const { execArgv, answerTimeoutMs } = resolveWorker(worker)
  const isTexts = execArgv === undefined || (Array.isArray(execArgv) && execArgv.every((one) => typeof one === 'string'))
  const problems = [
    ...unknownNames((name) => `worker.${name}`, worker, NAMES),
    isTexts ? undefined : `worker.execArgv is ${describeValue(execArgv)}; use a list of texts, options of Node.`,
    numberProblem('worker.answerTimeoutMs', answerTimeoutMs, { min: LEAST_ANSWER_MS, max: MAX_TIMER_MS }),
  ]
  return problems.filter((problem) => problem !== undefined)
}

function isUrl(value: unknown): boolean {
  return value instanceof URL || (typeof value === 'string' && URL.canParse(value))
}
