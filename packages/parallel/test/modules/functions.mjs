// Functions that tests run in threads.

import { threadId } from 'node:worker_threads'

/**
 * @template KIn, VIn, KOut, VOut
 * @typedef {import('../../src/index.ts').ParallelFunction<KIn, VIn, KOut, VOut>} ParallelFunction
 */

/** @type {ParallelFunction<string, number, string, number>} */
const double = ({ key, value }) => ({ key, value: value * 2 })
// oxlint-disable-next-line import/no-default-export -- what a user's module has
export default double

/**
 * As many records as the value says.
 * @type {ParallelFunction<string, number, string, string>}
 */
export const repeat = ({ key, value }) => Array.from({ length: value }, (_, i) => ({ key, value: `${value}.${i}` }))

/**
 * Drops even values, in the three ways there are.
 * @type {ParallelFunction<string, number, string, number>}
 */
export const odd = ({ key, value }) => (value % 2 === 1 ? { key, value } : [undefined, null, []][(value / 2) % 3])

/** @type {ParallelFunction<string, number, string, number>} */
export const later = async ({ key, value }) => {
  for (let turn = value % 7; turn < 7; turn++) await new Promise((resolve) => setImmediate(resolve))
  return { key, value }
}

/** @type {ParallelFunction<string, number, string, number>} */
export const whichThread = ({ key }) => ({ key, value: threadId })

/** @type {ParallelFunction<string, number, string, number>} */
export const stamped = ({ key, value, timestamp, headers }) => [
  { key, value },
  { key, value, timestamp: timestamp + 1, headers: [...headers, { key: 'added', value: Uint8Array.of(7) }] },
]

class ValidationError extends Error {
  /** @override */
  name = 'ValidationError'
  code = 'NEGATIVE'
}

/** @type {ParallelFunction<string, number, string, number>} */
export const positive = ({ key, value }) => {
  if (value < 0) throw new ValidationError(`${value} is negative`, { cause: new RangeError('below zero') })
  // oxlint-disable-next-line typescript/only-throw-error -- what users' modules may do
  if (value === 0) throw 'zero'
  return { key, value }
}

/** @type {(record: { value: unknown }) => never} */
export const asItIs = ({ value }) => /** @type {never} */ (value)

/** @type {ParallelFunction<string, string, string, unknown>} */
export const functionInside = ({ key, value }) => ({ key, value: value === 'function' ? () => value : value })

/**
 * Returns once as many threads are in here as the gate has places.
 * @type {ParallelFunction<string, { gate: Int32Array<SharedArrayBuffer>, places: number }, string, number>}
 */
export const meet = ({ key, value: { gate, places } }) => {
  Atomics.add(gate, 0, 1)
  Atomics.notify(gate, 0)
  for (let inside = Atomics.load(gate, 0); inside < places; inside = Atomics.load(gate, 0)) {
    if (Atomics.wait(gate, 0, inside, 20_000) === 'timed-out') throw new Error(`Only ${inside} of ${places} came.`)
  }
  return { key, value: threadId }
}

/**
 * Never returns, and counts meanwhile.
 * @type {ParallelFunction<string, Int32Array<SharedArrayBuffer> | null, string, number>}
 */
export const endless = ({ key, value }) => {
  if (value === null) return { key, value: threadId }
  for (;;) Atomics.add(value, 0, 1)
}

/** @type {ParallelFunction<string, string, string, string>} */
export const mortal = ({ key, value }) => {
  if (value === 'exit') process.exit(3)
  if (value === 'memory') for (const hoard = []; ;) hoard.push(new Array(100_000).fill(Math.random()))
  return { key, value }
}

/**
 * Leaves something behind that fails once the gate is open.
 * @type {ParallelFunction<string, Int32Array<SharedArrayBuffer> | null, string, null>}
 */
export const failsLater = ({ key, value: gate }) => {
  if (gate !== null) {
    setInterval(() => {
      if (Atomics.load(gate, 0) === 1) throw new Error('left behind')
    }, 1)
  }
  return { key, value: null }
}

/** @type {ParallelFunction<Uint8Array, Uint8Array, Uint8Array, unknown>} */
export const bytes = ({ key, value, headers }) => ({
  key,
  value: { isBytes: value instanceof Uint8Array, bytes: [...value], header: [...(headers[0]?.value ?? [])] },
})

/** @type {ParallelFunction<string, number, string, Uint8Array>} */
export const smallPart = ({ key, value }) => ({ key, value: new Uint8Array(1_048_576).fill(value).subarray(100, 103) })
