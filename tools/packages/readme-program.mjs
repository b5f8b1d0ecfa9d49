/**
 * The program of the README, with what differs here put in the place of what it says.
 * @param {string} markdown
 * @param {ReadonlyMap<string, string>} replacements Each must be there once, or the program is not the one we believe it to be.
 */
export function readmeProgram(markdown, replacements) {
  const section = /^## A program\n([\s\S]*?)^## /m.exec(markdown)?.[1]
  const program = section === undefined ? undefined : blocksOf(section)[0]
  if (program === undefined) throw new Error("README.md has no program in its section 'A program'.")
  return [...replacements].reduce(replaceOnce, program)
}

/**
 * The blocks of TypeScript on a page, without excerpts that need more to be a module.
 * @param {string} markdown
 */
export function blocksOf(markdown) {
  return [...markdown.matchAll(/^```ts(?: run\S*)?\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
}

/**
 * @param {string} text
 * @param {readonly [string, string]} replacement
 */
function replaceOnce(text, [from, to]) {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`The program of README.md should say this once: ${from}`)
  return parts.join(to)
}
