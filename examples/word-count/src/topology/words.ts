const WORD = /[\p{L}\p{N}]+/gu

/** The words of a text, in order: maximal runs of Unicode letters and digits, in lower case. */
export function words(text: string): string[] {
  const found = text.match(WORD) ?? []
  // Each by itself: in a line as a whole, the small form of a Greek sigma would depend on what follows its word.
  for (let i = 0; i < found.length; i++) found[i] = (found[i] as string).toLowerCase()
  return found
}
