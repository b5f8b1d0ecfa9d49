import type { MessagePort } from 'node:worker_threads'
import { type AppDefinition, MillraceError } from '@millrace/core'
import type { ThreadStart } from './messages.ts'
import { serveApp } from './serve-app.ts'

/** What a worker thread is started with. */
export interface ThreadData {
  readonly channel: MessagePort
  readonly start: ThreadStart
  /** Address of the module that exports the definition. */
  readonly module: string
  readonly exportName: string
  /** Address of what compiles TypeScript in this thread; undefined: nothing has to. */
  readonly loader: string | undefined
  /** Address of this module. */
  readonly main: string
}

/** Runs its part of an application for the thread that started it. */
export async function runThread({ channel, start, module, exportName }: ThreadData): Promise<void> {
  await serveApp(channel, start, () => definitionIn(module, exportName))
}

/** What `defineApp` returns, or `observed`, a promise of it, or a function that returns either. */
async function definitionIn(module: string, exportName: string): Promise<AppDefinition> {
  let loaded: unknown
  try {
    const exported = exportedBy(await import(module), exportName)
    loaded = await (typeof exported === 'function' ? (exported as () => unknown)() : exported)
  } catch (error) {
    throw notLoaded(module, `it can't be loaded: ${error instanceof Error ? error.message : String(error)}${hintFor(error, module)}`, error)
  }
  const inside = propertyOf(loaded, 'definition')
  const definition = isDefinition(inside) ? inside : loaded
  if (isDefinition(definition)) return definition
  throw notLoaded(module, `its export '${exportName}' is no application: let it be what defineApp({ ... }) returns`)
}

/** Of a module that was compiled to CommonJS, that of the object it exports. */
function exportedBy(module: unknown, name: string): unknown {
  const inside = propertyOf(module, 'default')
  return propertyOf(inside, '__esModule') === true ? propertyOf(inside, name) : propertyOf(module, name)
}

function hintFor(error: unknown, module: string): string {
  const isTypeScript = propertyOf(error, 'code') === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?$/.test(module)
  return isTypeScript ? '. This Node runs no TypeScript by itself: install tsx beside the module, or name the compiled one' : ''
}

function notLoaded(module: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('MODULE_NOT_LOADED', `The module of threads, ${module}, can't be used: ${why}.`, { stage: 'process', cause })
}

function isDefinition(value: unknown): value is AppDefinition {
  return (
    typeof propertyOf(value, 'applicationId') === 'string' &&
    typeof propertyOf(value, 'topology') === 'object' &&
    typeof propertyOf(value, 'transport') === 'object'
  )
}

function propertyOf(value: unknown, name: string): unknown {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' ? (value as Record<string, unknown>)[name] : undefined
}
