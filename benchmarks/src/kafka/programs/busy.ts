/** Some 50 microseconds of one core where this was written: what is compared does equally much of it. */
const STEPS = 25_000

/** Work that keeps a core busy, such as scoring or rendering. The answer depends on all of it, so that no compiler leaves it out. */
export function busy(seed: number): number {
  let x = seed | 1
  for (let i = 0; i < STEPS; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x
}
