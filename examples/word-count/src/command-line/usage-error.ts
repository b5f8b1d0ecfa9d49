/** The command line asks for something that there is not, or that makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
