import type { ParallelRecord } from '../../src/index.ts'

export function length({ key, value }: ParallelRecord<string, string>): { key: string; value: number } {
  return { key, value: value.length }
}
