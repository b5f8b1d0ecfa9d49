/** An error, its cause, the cause of that...: deeper ones tell nothing to whoever typed the command. */
const MAX_CAUSES = 4

/** An error in one line: its message and, in brackets where they say more, those of its causes. */
export function failureLine(error: unknown): string {
  const messages: string[] = []
  let at = error
  for (let depth = 0; depth < MAX_CAUSES && at !== undefined && at !== null; depth++) {
    const message = messageOf(at)
    if (message !== '' && !messages.some((told) => told.includes(message))) messages.push(message)
    at = at instanceof Error ? at.cause : undefined
  }
  const [first = 'It failed, and nothing says why.', ...causes] = messages
  return causes.length === 0 ? first : `${first} (${causes.join(': ')})`
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  const lines = message.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '').join(' ')
}

/** The stable code of an error, where it has one: `MillraceError`s do, of whichever copy of the library, and so do errors of Node. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
