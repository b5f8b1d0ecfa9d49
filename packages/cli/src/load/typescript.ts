import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UsageError } from '../command-line/errors.ts'

const TYPESCRIPT: ReadonlySet<string> = new Set(['.ts', '.mts', '.cts', '.tsx'])

/** Where a package is that the user's project has, as an address to import; undefined where it has not got it. */
export function packageOf(file: string, name: string): string | undefined {
  try {
    return pathToFileURL(createRequire(file).resolve(name)).href
  } catch {
    return undefined
  }
}

/**
 * What has to be imported before this file can be: `tsx`, for TypeScript, if the user's project has it; nothing where Node itself runs TypeScript.
 * Throws a {@link UsageError} where there is no way to run it.
 */
export function loaderFor(file: string): string | undefined {
  if (!TYPESCRIPT.has(extname(file))) return undefined
  const tsx = packageOf(file, 'tsx')
  if (tsx !== undefined) return tsx
  const { typescript } = process.features as { readonly typescript?: unknown }
  if (typeof typescript === 'string') return undefined
  throw new UsageError(
    `'${file}' is TypeScript, which Node ${process.versions.node} does not run by itself: npm install --save-dev tsx, or name the file that it is compiled to.`,
  )
}

let imported: string | undefined

/** Imports a module of the user's, TypeScript too. */
export async function importModule(file: string): Promise<unknown> {
  const loader = loaderFor(file)
  if (loader !== undefined && loader !== imported) {
    await import(loader)
    imported = loader
  }
  return import(pathToFileURL(file).href)
}
