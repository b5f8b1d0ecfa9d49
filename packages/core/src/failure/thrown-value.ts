/** How many causes of an error are looked at: a chain may be a circle. */
const MAX_CAUSES = 8

/** A property of whatever was thrown. A getter that throws has none. */
function propertyOf(thrown: unknown, name: string): unknown {
  try {
    return isObject(thrown) ? (thrown as Readonly<Record<string, unknown>>)[name] : undefined
  } catch {
    return undefined
  }
}

/** Whatever was thrown, what it was caused by, and so on. */
export function withCauses(thrown: unknown): unknown[] {
  const chain = [thrown]
  for (let cause = propertyOf(thrown, 'cause'); cause !== undefined && cause !== null; cause = propertyOf(cause, 'cause')) {
    if (chain.includes(cause) || chain.length > MAX_CAUSES) break
    chain.push(cause)
  }
  return chain
}

/** The name of its class: the `name` that the error or its class gives itself, else that of the constructor. Of what is no object, its type. */
export function classNameOf(thrown: unknown): string {
  if (!isObject(thrown)) return thrown === null ? 'null' : typeof thrown
  const constructor = propertyOf(thrown, 'constructor')
  // A subclass that says nothing inherits 'Error'.
  const names = hasOwn(thrown, 'name') || hasOwn(propertyOf(constructor, 'prototype'), 'name') ? [propertyOf(thrown, 'name')] : []
  names.push(propertyOf(constructor, 'name'), propertyOf(thrown, 'name'))
  return (names.find((name) => typeof name === 'string' && name !== '') as string | undefined) ?? 'Object'
}

/** Its message; of what has none, the value as text. */
export function messageOf(thrown: unknown): string {
  const message = propertyOf(thrown, 'message')
  if (typeof message === 'string') return message
  try {
    return String(thrown)
  } catch {
    return 'a value that is no text'
  }
}

/** Its stack trace, and those of its causes. */
export function stackOf(thrown: unknown): string {
  return withCauses(thrown)
    .map((each) => {
      const stack = propertyOf(each, 'stack')
      return typeof stack === 'string' && stack !== '' ? stack : `${classNameOf(each)}: ${messageOf(each)}`
    })
    .join('\nCaused by: ')
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function hasOwn(value: unknown, name: string): boolean {
  try {
    return isObject(value) && Object.hasOwn(value, name)
  } catch {
    return false
  }
}
