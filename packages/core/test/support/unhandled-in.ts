import { settle } from './settle.ts'

/** What is rejected while `act` runs, and heard by nobody: it would end the process. */
export async function unhandledIn(act: () => Promise<void>): Promise<unknown[]> {
  const unhandled: unknown[] = []
  const listener = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', listener)
  try {
    await act()
    await settle()
  } finally {
    process.off('unhandledRejection', listener)
  }
  return unhandled
}
