/** What the process ends with; `docs/cli.md` has the table. */
export const EXIT = Object.freeze({
  /** It is done. */
  done: 0,
  /** It was tried, and failed. */
  failed: 1,
  /** The command, its options or the file it names can't be used. */
  usage: 2,
  /** It is not done because of how things are now, such as members that are active. */
  refused: 3,
  /** The answer is no: what was asked for is not there, or is more than was allowed. */
  negative: 4,
  /** Ended by a signal before it was done: by SIGINT; a process has that of the signal that it was. */
  interrupted: 130,
})
