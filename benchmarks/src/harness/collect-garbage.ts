import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** A full collection, now: so that no run pays for the garbage of another. */
export const collectGarbage = runInNewContext('gc') as () => void
