/** Something the set-up can't do by itself. The message names it and says how to get it. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError'
}

/**
 * The end of what a failed command printed: where the reason stands.
 * @param {string} output
 * @param {number} [lines]
 */
export function tail(output, lines = 25) {
  return output
    .trimEnd()
    .split('\n')
    .slice(-lines)
    .map((line) => `  | ${line}`)
    .join('\n')
}
