import { setImmediate as loopRound } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Turns } from '../../src/internal/turns.ts'

/** A pass of so many milliseconds. */
function work(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until) {
    // Nothing else gets its turn.
  }
}

/** What each of `tasks` did, and when the event loop went round, in order, over so many passes each. */
async function order(tasks: readonly string[], passMs: number, passes: number): Promise<string[]> {
  const turns = new Turns()
  const done: string[] = []
  let isOver = false
  const rounds = async () => {
    while (!isOver) {
      await loopRound()
      if (done.at(-1) !== '-') done.push('-')
    }
  }
  const task = async (name: string) => {
    for (let pass = 0; pass < passes; pass++) {
      await turns.take()
      done.push(name)
      work(passMs)
    }
  }
  const watching = rounds()
  await Promise.all(tasks.map((name) => task(name)))
  isOver = true
  await watching
  return done
}

test('between two long passes the event loop goes round, whichever tasks they are of, and each has its turn', async () => {
  const done = await order(['a', 'b', 'c'], 8, 3)
  expect(done.join('').replace(/^-/, '')).toMatch(/^(a-b-c-){3}$/)
})

test('short passes of several tasks take turns, and do not wait for the event loop each', async () => {
  const done = await order(['a', 'b', 'c'], 0, 1_000)
  const passes = done.filter((what) => what !== '-')
  expect(passes).toHaveLength(3_000)
  expect(done.length - passes.length).toBeLessThan(1_500)
  const last = { a: 0, b: 0, c: 0 }
  for (const [at, name] of passes.entries()) {
    const gap = at - last[name as 'a']
    expect(gap).toBeLessThan(10)
    last[name as 'a'] = at
  }
})
