/** All names of a type of options: one that is added to the type must be added to the list. */
export function namesOf<T extends object>(names: Readonly<Record<keyof T, true>>): readonly string[] {
  return Object.freeze(Object.keys(names))
}

/** A sentence for each name that no option has, with the nearest one that is meant, or with all there are. What is undefined is not given. */
export function unknownNames(nameOf: (name: string) => string, options: object, known: readonly string[]): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || known.includes(name)) return []
    return [`${nameOf(name)} is no option; use ${nearest(name, known) ?? known.join(', ')}.`]
  })
}

/** The name that differs least, by no more than a third of it. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let found: string | undefined
  let least = Infinity
  for (const other of known) {
    const different = distance(name.toLowerCase(), other.toLowerCase())
    if (different < least && different <= Math.max(1, other.length / 3)) [found, least] = [other, different]
  }
  return found
}

/** How many characters are to be put in, left out or replaced, at least (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] as number) + (from[i] === to[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
