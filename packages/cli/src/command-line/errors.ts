/** The command line asks for something that there is not, or that makes no sense. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** It could be done, but not as things are now. Exit code 3. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** It was told to stop before it was done. Exit code 130, or that of another signal. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}

/** What was asked for is not there. Exit code 4. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError'
}
