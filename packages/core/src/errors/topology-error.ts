/** Everything that is wrong with a topology, found when it is built: `problems` has one sentence each. */
export class TopologyError extends Error {
  override readonly name = 'TopologyError'
  readonly problems: readonly string[]

  constructor(topology: string, problems: readonly string[]) {
    const list = problems.map((problem) => `\n  - ${problem}`).join('')
    super(`Topology '${topology}' can't be built: ${problems.length} problem${problems.length === 1 ? '' : 's'}${list}`)
    this.problems = Object.freeze([...problems])
  }
}
