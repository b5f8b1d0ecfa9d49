import type { ClientProperties } from '../kafka-options.ts'

/** A property as librdkafka would read it; undefined where it is not set. */
export function textOf(properties: ClientProperties, name: string): string | undefined {
  const value = properties[name]
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
