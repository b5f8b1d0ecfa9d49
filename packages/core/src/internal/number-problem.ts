import { describeValue } from './describe-value.ts'

/** What a whole number may be. */
export interface NumberRange {
  /** Inclusive. */
  readonly min: number
  /** Default: no upper bound. */
  readonly max?: number | undefined
}

/** A sentence if `value` is not a whole number in the range. */
export function numberProblem(name: string, value: unknown, { min, max }: NumberRange): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && (max === undefined || value <= max)) return undefined
  const range =
    max === undefined ? `of at least ${min.toLocaleString('en')}` : `from ${min.toLocaleString('en')} to ${max.toLocaleString('en')}`
  return `${name} is ${describeValue(value)}; use a whole number ${range}.`
}

/** A sentence if `value` is not a number, whole or not, in the range. */
export function realNumberProblem(
  name: string,
  value: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): string | undefined {
  if (typeof value === 'number' && value >= min && value <= max) return undefined
  return `${name} is ${describeValue(value)}; use a number from ${min.toLocaleString('en')} to ${max.toLocaleString('en')}.`
}
