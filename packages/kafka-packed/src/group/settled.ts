/** A hook that fails counts as done: the group must go on. */
export async function settled(hook: () => void | Promise<void>): Promise<void> {
  try {
    await hook()
  } catch {
    // Who gave the hook has to know.
  }
}
