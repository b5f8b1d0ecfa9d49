import { isObject } from '@millrace/core'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { SinkSettings } from './sink-options.ts'

/** What a YAML or JSON file says; throws an error that names the file. */
export function settingsFile(path: string): SinkSettings {
  let content: unknown
  try {
    const text = readFileSync(path, 'utf8')
    content = path.endsWith('.json') ? JSON.parse(text) : parse(text)
  } catch (error) {
    throw new TypeError(`The configuration of a sink could not be read from ${path}: ${(error as Error).message}`, { cause: error })
  }
  if (content === null || content === undefined) return {}
  if (!isObject(content) || Array.isArray(content))
    throw new TypeError(`The configuration of a sink in ${path} is no object with settings.`)
  return content
}
