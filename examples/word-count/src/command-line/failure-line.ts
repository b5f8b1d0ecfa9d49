/** An error in one line: its message and, where they say more, those of its causes. */
export function failureLine(error: unknown): string {
  const messages: string[] = []
  for (let at = error; at !== undefined && at !== null && messages.length < 4; at = at instanceof Error ? at.cause : undefined) {
    const message = messageOf(at)
    if (message !== '' && !messages.some((told) => told.includes(message))) messages.push(message)
  }
  return messages.length === 0 ? 'It failed, and nothing says why.' : messages.join(': ')
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  return message.replaceAll(/\s*\n\s*/g, ' ').trim()
}
