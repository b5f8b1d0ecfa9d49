import { describeValue } from '../internal/describe-value.ts'
import { isObject } from '../internal/is-object.ts'
import { namesOf } from '../internal/unknown-names.ts'
import type { DefinitionChecks } from './definition-checks.ts'

/** What becomes of an application one of whose threads died. */
export type ThreadFailure = 'replace' | 'stop'

/** Worker threads that share the tasks of an application. */
export interface ThreadOptions {
  /** From 1 to 256. 1: there are none, the thread that started the application processes. */
  readonly count: number
  /**
   * The module that exports this definition, which each thread loads for itself: `import.meta.url` in that module, or a path from where the process was started. Needed from two threads on;
   * `millrace run` knows it.
   */
  readonly module?: string | { readonly href: string } | undefined
  /** Name of the definition among the module's exports. Default: `default`. */
  readonly export?: string | undefined
  /**
   * When a thread dies (`process.exit`, an exception that nobody catches, no more memory): `replace`, another one takes its place and its tasks begin anew from what
   * is committed; `stop`, the others finish what they have begun and the application rejects with `THREAD_DIED`. What the engine itself stops for, such as a
   * record that fails for good, stops the application in either case. Default: `replace`.
   */
  readonly onFailure?: ThreadFailure | undefined
  /** How often one thread is replaced without having run for a minute in between; then the application stops. From 0. Default: 10. */
  readonly maxReplacements?: number | undefined
  /** Heap of each thread in bytes, at least 16 MiB; a thread that needs more dies. Default: Node's. */
  readonly maxHeapBytes?: number | undefined
}

/** {@link ThreadOptions} with every default. */
export interface ResolvedThreads {
  /** 1: there are none. */
  readonly count: number
  /** Its address or path. */
  readonly module: string | undefined
  readonly exportName: string
  readonly onFailure: ThreadFailure
  /** Without having run for a minute in between. */
  readonly maxReplacements: number
  readonly maxHeapBytes: number | undefined
}

const NAMES = namesOf<ThreadOptions>({
  count: true,
  module: true,
  export: true,
  onFailure: true,
  maxReplacements: true,
  maxHeapBytes: true,
})
const MOST_THREADS = 256
const LEAST_HEAP = 16 * 1_048_576

interface Threaded {
  readonly hotStandby: boolean
  /** Why the transport can't be used in worker threads. */
  readonly mainThreadOnly: string | undefined
}

/** Fills in the defaults; what is wrong goes to `checks`. */
export function resolveThreads(given: number | ThreadOptions | undefined, checks: DefinitionChecks, app: Threaded): ResolvedThreads {
  if (given !== undefined && typeof given !== 'number' && !isObject(given))
    checks.problems.push(`threads is ${describeValue(given)}; use a number, or { count, module }.`)
  const options = isObject(given) ? checks.group<ThreadOptions>('threads', given, NAMES) : {}
  const count = checks.number(isObject(given) ? 'threads.count' : 'threads', typeof given === 'number' ? given : options.count, {
    fallback: 1,
    min: 1,
    max: MOST_THREADS,
  })
  const { export: exportName = 'default', onFailure = 'replace', maxHeapBytes } = options
  const module = isObject(options.module) ? options.module.href : options.module
  checks.that(
    module === undefined || (typeof module === 'string' && module !== ''),
    `threads.module is ${describeValue(module)}; use import.meta.url in the module that exports the definition.`,
  )
  checks.that(onFailure === 'replace' || onFailure === 'stop', `threads.onFailure is ${describeValue(onFailure)}; use 'replace' or 'stop'.`)
  if (count > 1) {
    checks.that(
      module !== undefined,
      `threads.module is missing: each of ${count} threads loads the definition for itself, so name the module that exports it: threads: { count: ${count}, module: import.meta.url }.`,
    )
    checks.that(app.mainThreadOnly === undefined, `threads is ${count}, and ${String(app.mainThreadOnly)}`)
    checks.that(
      !app.hotStandby,
      `hotStandby can't be used with threads (${count}): a standby belongs to a process that has no other copy of the task; run more processes, or leave one of the two out.`,
    )
  }
  return Object.freeze({
    count,
    module,
    exportName,
    onFailure,
    maxReplacements: checks.number('threads.maxReplacements', options.maxReplacements, { fallback: 10, min: 0 }),
    maxHeapBytes:
      maxHeapBytes === undefined
        ? undefined
        : checks.number('threads.maxHeapBytes', maxHeapBytes, { fallback: LEAST_HEAP, min: LEAST_HEAP }),
  })
}
