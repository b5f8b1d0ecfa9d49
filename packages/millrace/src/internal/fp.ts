/** The one place this package takes fp-ts from: Node's ESM loader finds it by full path only. */
export { type Either, toError, tryCatch } from 'fp-ts/lib/Either.js'
export { type TaskEither, tryCatch as tryCatchTask } from 'fp-ts/lib/TaskEither.js'
