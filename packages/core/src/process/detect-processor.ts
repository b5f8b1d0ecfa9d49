import type { BatchProcessor, Processor } from './processor.ts'
import type { ProcessorContext } from './processor-context.ts'

type Context = ProcessorContext<unknown, unknown>

/** What a factory made, told apart: methods are bound to their object. */
export interface DetectedProcessor {
  readonly kind: 'batch' | 'single' | 'both'
  readonly process: Processor<unknown, unknown, unknown, unknown>['process'] | undefined
  readonly processBatch: BatchProcessor<unknown, unknown, unknown, unknown>['processBatch'] | undefined
  readonly init: ((context: Context) => void | Promise<void>) | undefined
  readonly close: (() => void | Promise<void>) | undefined
}

/**
 * Tells what a processor is: an object with `processBatch` is a batch processor, one with `process` a single-record one, one with both is
 * both; inherited methods count; a plain function processes single records. Throws a `TypeError` that names the node for anything else.
 */
export function detectProcessor(candidate: unknown, node: string): DetectedProcessor {
  if (typeof candidate === 'function') {
    if (/^class\b/.test(Function.prototype.toString.call(candidate))) {
      throw new TypeError(
        `Node '${node}': create() returned a class; return an object of it: create: () => new ${candidate.name || 'MyProcessor'}().`,
      )
    }
    return { kind: 'single', process: candidate as never, processBatch: undefined, init: undefined, close: undefined }
  }
  if (typeof candidate !== 'object' || candidate === null) {
    throw new TypeError(
      `Node '${node}': create() returned ${describe(candidate)}; it must return an object with process or processBatch, or a function.`,
    )
  }
  if (typeof (candidate as { then?: unknown }).then === 'function') {
    throw new TypeError(`Node '${node}': create() returned a promise; make the processor at once and do what takes time in its init.`)
  }
  const process = method(candidate, 'process', node)
  const processBatch = method(candidate, 'processBatch', node)
  if (process === undefined && processBatch === undefined) {
    throw new TypeError(`Node '${node}': create() returned an object that has neither process nor processBatch: it is no processor.`)
  }
  return {
    kind: processBatch === undefined ? 'single' : process === undefined ? 'batch' : 'both',
    process: process as never,
    processBatch: processBatch as never,
    init: method(candidate, 'init', node) as never,
    close: method(candidate, 'close', node) as never,
  }
}

function method(candidate: object, name: string, node: string): ((...args: never[]) => unknown) | undefined {
  const value: unknown = (candidate as Record<string, unknown>)[name]
  if (value === undefined) return undefined
  if (typeof value !== 'function')
    throw new TypeError(`Node '${node}': the processor's ${name} is ${describe(value)}; it must be a method.`)
  return value.bind(candidate) as (...args: never[]) => unknown
}

function describe(value: unknown): string {
  return value === null || value === undefined ? String(value) : `a ${typeof value}`
}
