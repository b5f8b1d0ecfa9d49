/** Lists everything that is wrong with what somebody was given. */
export function wrongOptions(what: string, problems: readonly string[]): TypeError {
  return new TypeError(`${what}:${problems.map((problem) => `\n  - ${problem}`).join('')}`)
}
