import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

/** The folder of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** What the tools fetch and remember. Deleting it costs time, nothing else. */
export const cache = join(root, '.cache')
