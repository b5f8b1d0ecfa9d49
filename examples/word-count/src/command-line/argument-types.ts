import { InvalidArgumentError } from 'commander'
import type { ProcessingGuarantee } from 'millrace'

/** Whoever forgets a value gets the next option for one. */
function given(value: string): string {
  if (value === '') throw new InvalidArgumentError('It is empty.')
  if (value.startsWith('--')) throw new InvalidArgumentError('That is an option: its value is missing.')
  return value
}

export function path(value: string): string {
  return given(value)
}

/** A whole number within bounds, both inclusive. */
export function wholeNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}$/.test(given(value)) ? Number(value) : Number.NaN
    if (!(number >= min && number <= max)) throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
    return number
  }
}

/** Kafka's rule for topics, which application ids follow too, since they become part of topics' names. */
export function topicName(maxLength: number): (value: string) => string {
  return (value) => {
    given(value)
    if (!/^[a-zA-Z0-9._-]+$/.test(value) || value === '.' || value === '..' || value.length > maxLength) {
      throw new InvalidArgumentError(`Use 1 to ${maxLength} letters, digits, '.', '_' and '-'.`)
    }
    return value
  }
}

export function brokers(value: string): string {
  const addresses = given(value).split(',')
  for (const address of addresses) {
    const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^:\s/[\]]+):(\d{1,5})$/.exec(address.trim())?.[1])
    if (!(port >= 1 && port <= 65_535))
      throw new InvalidArgumentError('Give HOST:PORT, such as localhost:9092; several with commas between.')
  }
  return addresses.map((address) => address.trim()).join(',')
}

export function processingGuarantee(value: string): ProcessingGuarantee {
  const guarantee = given(value)
  if (guarantee === 'at-least-once' || guarantee === 'exactly-once') return guarantee
  throw new InvalidArgumentError("Use 'at-least-once' or 'exactly-once'.")
}
