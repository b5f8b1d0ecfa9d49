import { availableParallelism } from 'node:os'
import { inspect } from 'node:util'

/** Where the function is, and how its work is spread. */
export interface ParallelBatchOptions {
  /**
   * Address of the module with the function: `new URL('./render-page.js', import.meta.url)`, or for one of a package
   * `import.meta.resolve('a-package')`. Each thread loads it once, and keeps it.
   */
  readonly module: URL | string
  /** Name of the function among the module's exports. Default: `default`. */
  readonly export?: string | undefined
  /** Number of threads, 1 to 1,024. All tasks of the process share them. Default: `os.availableParallelism()`, the cores there are. */
  readonly threads?: number | undefined
  /**
   * Records that are handed to a thread at once, at most; at least 1. Fewer spread records of very unequal cost more evenly, more cost less
   * for each. Default: a quarter of what would be each thread's share of the batch.
   */
  readonly chunkSize?: number | undefined
  /** Bytes of V8's heap in each thread, at least 16 MiB: a thread that needs more dies, which fails the batch. Default: Node's own limit. */
  readonly maxHeapBytes?: number | undefined
}

export interface ResolvedOptions {
  readonly module: string
  readonly exportName: string
  readonly threads: number
  readonly chunkSize: number | undefined
  readonly maxHeapBytes: number | undefined
}

const MIB = 1_048_576
const MAX_THREADS = 1_024

/** Fills in every default. Throws a `TypeError` that lists everything that is wrong, with its value and what is allowed. */
export function resolveOptions(options: ParallelBatchOptions): ResolvedOptions {
  const problems: string[] = []
  const { module, export: exportName = 'default', threads = availableParallelism(), chunkSize, maxHeapBytes } = options
  const address = addressOf(module)
  if (address === undefined) {
    problems.push(
      `module is ${shown(module)}; use an absolute URL: new URL('./my-function.js', import.meta.url), or import.meta.resolve('a-package').`,
    )
  }
  if (typeof exportName !== 'string' || exportName === '') problems.push(`export is ${shown(exportName)}; use the name of an export.`)
  if (!isWhole(threads, 1, MAX_THREADS)) problems.push(`threads is ${shown(threads)}; use a whole number from 1 to 1,024.`)
  if (chunkSize !== undefined && !isWhole(chunkSize, 1))
    problems.push(`chunkSize is ${shown(chunkSize)}; use a whole number of at least 1.`)
  if (maxHeapBytes !== undefined && !isWhole(maxHeapBytes, 16 * MIB)) {
    problems.push(`maxHeapBytes is ${shown(maxHeapBytes)}; use a whole number of at least 16,777,216.`)
  }
  if (problems.length > 0) throw new TypeError(`parallelBatch: ${problems.join(' ')}`)
  return { module: address as string, exportName, threads, chunkSize, maxHeapBytes }
}

function addressOf(module: unknown): string | undefined {
  if (module instanceof URL) return module.href
  return typeof module === 'string' && URL.canParse(module) ? module : undefined
}

function isWhole(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
}

function shown(value: unknown): string {
  return inspect(value, { depth: 0, maxStringLength: 80 })
}
