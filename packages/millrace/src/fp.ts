/**
 * The same as `millrace`, for who likes results as values: `Either` and `TaskEither` of fp-ts instead of exceptions.
 *
 * @packageDocumentation
 */
import {
  type AppDefinition,
  type ResolvedDefinition,
  type Topology,
  type TopologyBuilder,
  TopologyError,
  validateDefinition,
} from '@millrace/core'
import { type App, start as startApp } from '@millrace/runtime'
import { type Either, type TaskEither, toError, tryCatch, tryCatchTask } from './internal/fp.ts'

/** What can go wrong when an application is started or run: a `TypeError` (bad options) or a `MillraceError`. */
export type AppError = Error

/** The topology, or everything that is wrong with it. */
export function build(builder: TopologyBuilder): Either<TopologyError, Topology> {
  return tryCatch(
    () => builder.build(),
    (error) => (error instanceof TopologyError ? error : new TopologyError('', [toError(error).message])),
  )
}

/** The definition with every default, or one sentence for each bad option. */
export function validate(definition: AppDefinition): Either<readonly string[], ResolvedDefinition> {
  return validateDefinition(definition)
}

/** As `start`. */
export function start(definition: AppDefinition): TaskEither<AppError, App> {
  return tryCatchTask(() => startApp(definition), toError)
}

/** As `app.run()`. */
export function run(app: App): TaskEither<AppError, void> {
  return tryCatchTask(() => app.run(), toError)
}

/** As `app.close()`. */
export function close(app: App): TaskEither<AppError, void> {
  return tryCatchTask(() => app.close(), toError)
}
