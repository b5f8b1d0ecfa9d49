/** The one place this package takes fp-ts from: Node's ESM loader finds it by full path only. */
export { type Either, left, right } from 'fp-ts/lib/Either.js'
