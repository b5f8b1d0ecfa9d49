import { bytesAt, type BytesColumn, type PackedColumn, viewColumn } from '@millrace/core'

/** Bytes from hexadecimal text; spaces are left out. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(' ', '')
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16))
}

/** One buffer for all, with bytes before and between that belong to nobody. */
function packed(values: readonly (Uint8Array | null)[]): PackedColumn {
  const gap = 3
  const bytes = new Uint8Array(values.reduce((sum, value) => sum + gap + (value?.length ?? 0), 0)).fill(0xaa)
  const starts: number[] = []
  const ends: number[] = []
  let at = 0
  for (const value of values) {
    at += gap
    starts.push(at)
    if (value !== null) bytes.set(value, at)
    at += value?.length ?? 0
    ends.push(value === null ? -1 : at)
  }
  return { form: 'packed', length: values.length, bytes, starts, ends }
}

/** The same values in both forms. */
export function bothForms(values: readonly (Uint8Array | null)[]): readonly BytesColumn[] {
  return [packed(values), viewColumn(values)]
}

/** The values of a column as plain arrays. */
export function listOf(column: BytesColumn): (readonly number[] | null)[] {
  return Array.from({ length: column.length }, (_, i) => {
    const bytes = bytesAt(column, i)
    return bytes === null ? null : [...bytes]
  })
}
