// What runs in a thread. In JavaScript, so that it needs no build where the rest runs from its sources: whatever compiles that does not reach threads.

import { inspect } from 'node:util'
import { isNativeError } from 'node:util/types'
import { workerData } from 'node:worker_threads'

/**
 * @typedef {import('./messages.ts').Chunk} Chunk
 * @typedef {import('./messages.ts').ChunkResult} ChunkResult
 * @typedef {import('./messages.ts').LoadProblem} LoadProblem
 * @typedef {import('@millrace/core').ErrorData} Thrown
 * @typedef {import('./parallel-function.ts').ParallelOutput<unknown, unknown>} Output
 * @typedef {(record: import('./parallel-function.ts').ParallelRecord<unknown, unknown>) => unknown} UserFunction
 */

/** So many causes of an error are told. */
const MAX_CAUSES = 8

/** @type {readonly never[]} */
const NO_HEADERS = Object.freeze([])

const { module, exportName } = /** @type {import('./messages.ts').ThreadData} */ (workerData)

/** @type {Promise<UserFunction | LoadProblem> | undefined} */
let loading

/**
 * Loads the module, if that has not happened yet; then works on the chunk, if there is one.
 * @param {Chunk | undefined} chunk
 * @returns {Promise<LoadProblem | ChunkResult | undefined>}
 */
export async function work(chunk) {
  const loaded = await (loading ??= load())
  if (typeof loaded !== 'function') return loaded
  return chunk === undefined ? undefined : processed(loaded, chunk)
}

/** @returns {Promise<UserFunction | LoadProblem>} */
async function load() {
  try {
    const found = /** @type {Record<string, unknown>} */ (await import(module))
    // A CommonJS module that was compiled from TypeScript has its exports one level down.
    const inside = /** @type {Record<string, unknown> | undefined} */ (found['default'])
    const process = [found[exportName], inside?.[exportName]].find((one) => typeof one === 'function')
    return process === undefined ? { exports: Object.keys(found) } : /** @type {UserFunction} */ (process)
  } catch (error) {
    return { error: thrown(error) }
  }
}

/**
 * @param {UserFunction} process
 * @param {Chunk} chunk
 * @returns {Promise<ChunkResult>}
 */
async function processed(process, { keys, values, timestamps, headers, careful }) {
  const results = new Results(careful)
  for (let index = 0; index < keys.length; index++) {
    const timestamp = /** @type {number} */ (timestamps[index])
    try {
      let result = process({ key: keys[index], value: values[index], timestamp, headers: headers?.[index] ?? NO_HEADERS })
      if (isThenable(result)) result = await result
      results.add(index, timestamp, result)
    } catch (error) {
      results.failed.push({ index, error: thrown(error) })
    }
  }
  return results.columns()
}

class Results {
  /** @type {unknown[]} */
  #keys = []
  /** @type {unknown[]} */
  #values = []
  /** @type {number[]} */
  #timestamps = []
  /** @type {Output['headers'][]} */
  #headers = []
  /** @type {number[]} */
  #sources = []
  #careful
  /** @type {{ index: number, error: Thrown }[]} */
  failed = []

  /** @param {boolean} careful */
  constructor(careful) {
    this.#careful = careful
  }

  /**
   * Takes what the function returned for a record: all of it, or nothing if something is wrong with it.
   * @param {number} index
   * @param {number} timestamp
   * @param {unknown} result
   */
  add(index, timestamp, result) {
    if (result === undefined || result === null) return
    /** @type {readonly Output[]} */
    const outputs = Array.isArray(result) ? result : [result]
    for (const output of outputs) check(output)
    if (this.#careful) tryToCopy(outputs)
    for (const output of outputs) {
      this.#keys.push(apart(output.key))
      this.#values.push(apart(output.value))
      this.#timestamps.push(output.timestamp ?? timestamp)
      this.#headers.push(output.headers?.map(({ key, value }) => ({ key, value: apart(value) })))
      this.#sources.push(index)
    }
  }

  /** @returns {ChunkResult} */
  columns() {
    return {
      keys: this.#keys,
      values: this.#values,
      timestamps: this.#timestamps,
      headers: this.#headers,
      sources: this.#sources,
      failed: this.failed,
    }
  }
}

/**
 * @param {unknown} output
 */
function check(output) {
  if (typeof output !== 'object' || output === null || !('key' in output) || !('value' in output)) {
    throw new TypeError(`It returned ${inspect(output, { depth: 0 })}; return a record { key, value }, an array of records, or nothing.`)
  }
  const { timestamp, headers } = /** @type {{ timestamp?: unknown, headers?: unknown }} */ (output)
  if (timestamp !== undefined && !Number.isFinite(timestamp)) {
    throw new TypeError(`It returned a record whose timestamp is ${inspect(timestamp, { depth: 0 })}; use milliseconds since the epoch.`)
  }
  if (headers !== undefined && !Array.isArray(headers)) {
    throw new TypeError(`It returned a record whose headers are ${inspect(headers, { depth: 0 })}; use an array of { key, value }.`)
  }
}

/** @param {readonly Output[]} outputs */
function tryToCopy(outputs) {
  try {
    structuredClone(outputs)
  } catch (error) {
    throw new TypeError(`It returned what can't be copied from a thread: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/**
 * Bytes are copied with the whole buffer they lie in, which may be that of the chunk: what is only a part is cut out first.
 * @template T
 * @param {T} value
 * @returns {T | Uint8Array}
 */
function apart(value) {
  return value instanceof Uint8Array && value.byteLength < value.buffer.byteLength ? new Uint8Array(value) : value
}

/**
 * @param {unknown} value
 * @returns {value is PromiseLike<unknown>}
 */
function isThenable(value) {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/**
 * @param {unknown} error
 * @returns {Thrown}
 */
function thrown(error, depth = 0) {
  if (!isNativeError(error) && !(error instanceof Error)) {
    return {
      name: 'Error',
      message: typeof error === 'string' ? error : inspect(error),
      stack: undefined,
      code: undefined,
      cause: undefined,
    }
  }
  const { name, message, stack, code, cause } = /** @type {Error & { code?: unknown }} */ (error)
  return {
    name,
    message,
    stack,
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    cause: cause === undefined || depth === MAX_CAUSES ? undefined : thrown(cause, depth + 1),
  }
}
