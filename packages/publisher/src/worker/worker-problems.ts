import { describeValue, isObject } from '@millrace/core'
import type { EventDefinitions } from '../events.ts'
import type { PublisherOptions } from '../publisher-options.ts'

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

function isUrl(value: unknown): boolean {
  return value instanceof URL || (typeof value === 'string' && URL.canParse(value))
}
