const LETTER_OR_DIGIT = /^[\p{L}\p{N}]$/u

/** Counts words by another way than the program: character by character, with no regard to lines. */
export function independentCount(text: string): Record<string, number> {
  const counts = new Map<string, number>()
  let word = ''
  for (const character of `${text} `) {
    if (LETTER_OR_DIGIT.test(character)) word += character
    else if (word !== '') {
      const key = word.toLowerCase()
      counts.set(key, (counts.get(key) ?? 0) + 1)
      word = ''
    }
  }
  return Object.fromEntries(counts)
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
