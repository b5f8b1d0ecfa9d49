import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { AppDefinition } from '@millrace/core'
import type { Environment } from '../command-line/environment.ts'
import { UsageError } from '../command-line/errors.ts'
import { failureLine } from '../command-line/failure-line.ts'

/** The absolute path of a file that the command line names. Throws a {@link UsageError} where there is none. */
export function existingFile(file: string, { folder }: Pick<Environment, 'folder'>): string {
  const path = resolve(folder, file)
  if (!existsSync(path)) throw new UsageError(`There is no file '${file}'.`)
  if (!statSync(path).isFile()) throw new UsageError(`'${file}' is no file: name the module that exports the application.`)
  return path
}

/** What `observed` of `millrace/telemetry` returns, of whichever copy of it. */
export interface ExportedTelemetry {
  readonly definition: AppDefinition
  /** Takes the application, which is of the same copy. */
  attach(app: unknown): Promise<void>
  close(): Promise<void>
}

/** What a module exports. */
export interface LoadedApp {
  readonly definition: AppDefinition
  /** Where the module has its application observed. */
  readonly telemetry: ExportedTelemetry | undefined
}

/** The application that a module exports: see {@link loadModule}. */
export async function loadApp(file: string, environment: Environment): Promise<AppDefinition> {
  return (await loadModule(file, environment)).definition
}

/**
 * The application that a module exports: what `defineApp` returns, or `observed`, a promise of it, or a function that returns either. Rejects with a {@link UsageError}
 * that says what is wrong with the file.
 */
export async function loadModule(file: string, environment: Environment): Promise<LoadedApp> {
  const path = existingFile(file, environment)
  let definition: unknown
  try {
    definition = exportedBy(await environment.importModule(path))
    if (typeof definition === 'function') definition = await (definition as () => unknown)()
    else definition = await definition
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`'${file}' can't be loaded: ${failureLine(error)}`, { cause: error })
  }
  if (isDefinition(definition)) return { definition, telemetry: undefined }
  if (isTelemetry(definition)) return { definition: definition.definition, telemetry: definition }
  throw new UsageError(`'${file}' exports no application: let it \`export default defineApp({ ... })\`, and not start it itself.`)
}

/** The default export; of a module that was compiled to CommonJS, that of the object it exports. */
function exportedBy(module: unknown): unknown {
  const exported = propertyOf(module, 'default')
  return propertyOf(exported, '__esModule') === true ? propertyOf(exported, 'default') : exported
}

function isTelemetry(value: unknown): value is ExportedTelemetry {
  return isDefinition(propertyOf(value, 'definition')) && typeof propertyOf(value, 'attach') === 'function'
}

function isDefinition(value: unknown): value is AppDefinition {
  return (
    typeof propertyOf(value, 'applicationId') === 'string' &&
    typeof propertyOf(value, 'topology') === 'object' &&
    typeof propertyOf(value, 'transport') === 'object'
  )
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
