import type { ProcessingGuarantee } from '../commit/processing-guarantee.ts'
import { describeValue } from '../internal/describe-value.ts'
import { isObject } from '../internal/is-object.ts'
import { numberProblem, type NumberRange } from '../internal/number-problem.ts'
import { unknownNames } from '../internal/unknown-names.ts'
import type { HotStandbyOptions } from './app-definition.ts'
import { HOT_STANDBY_NAMES } from './definition-names.ts'

/** Reads options one by one, each with its default, and gathers what is wrong instead of stopping at the first. */
export class DefinitionChecks {
  readonly problems: string[] = []

  that(holds: boolean, problem: string): void {
    if (!holds) this.problems.push(problem)
  }

  /** Several options under one name, which are called as in `known`; none if it is no object. */
  group<T extends object>(name: string, value: T | undefined, known: readonly string[]): Partial<T> {
    if (value === undefined) return {}
    if (!isObject(value)) {
      this.problems.push(`${name} is ${describeValue(value)}; use an object.`)
      return {}
    }
    this.problems.push(...unknownNames((option) => `${name}.${option}`, value, known))
    return value
  }

  number(name: string, value: number | undefined, range: NumberRange & { readonly fallback: number }): number {
    if (value === undefined) return range.fallback
    const problem = numberProblem(name, value, range)
    if (problem !== undefined) this.problems.push(problem)
    return value
  }

  boolean(name: string, value: boolean | undefined, fallback: boolean): boolean {
    if (value === undefined) return fallback
    if (typeof value !== 'boolean') this.problems.push(`${name} is ${describeValue(value)}; use true or false.`)
    return value
  }

  hotStandby(value: boolean | HotStandbyOptions | undefined): false | HotStandbyOptions {
    if (value === undefined || value === false) return false
    if (value === true) return Object.freeze({ replicas: Infinity })
    if (!isObject(value)) {
      this.problems.push(`hotStandby is ${describeValue(value)}; use true, false or { replicas: 1 }.`)
      return false
    }
    const { replicas } = this.group<HotStandbyOptions>('hotStandby', value, HOT_STANDBY_NAMES)
    return Object.freeze({ replicas: this.number('hotStandby.replicas', replicas, { fallback: 1, min: 1 }) })
  }

  folder(name: string, value: string | undefined, fallback: string): string {
    if (value === undefined) return fallback
    if (typeof value !== 'string' || value === '') this.problems.push(`${name} is ${describeValue(value)}; name a folder.`)
    return value
  }

  applicationId(value: string): string {
    if (typeof value !== 'string' || !/^[a-zA-Z0-9._-]{1,180}$/.test(value) || value === '.' || value === '..') {
      this.problems.push(
        `applicationId is ${describeValue(value)}; use 1 to 180 letters, digits, '.', '_' and '-' (it names the consumer group, topics and a folder).`,
      )
    }
    return value
  }

  guarantee(value: ProcessingGuarantee | undefined): ProcessingGuarantee {
    if (value === 'at-least-once' || value === 'exactly-once') return value
    if (value !== undefined) this.problems.push(`processingGuarantee is ${describeValue(value)}; use 'at-least-once' or 'exactly-once'.`)
    return 'at-least-once'
  }
}
