const FIRST_MS = 50
const MOST_MS = 1_000

/** How long to wait after so many failures in a row, in milliseconds: twice as long each time, and a fifth more or less, so that clients don't come back at once. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  return Math.min(FIRST_MS * 2 ** (failures - 1), MOST_MS) * (0.8 + 0.4 * random())
}
