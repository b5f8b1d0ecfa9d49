import type { App } from 'millrace'
import type { MemberMessage, MemberRequest } from './member-messages.ts'

/** Tells whoever started this process. */
export function tell(message: MemberMessage): Promise<unknown> {
  return new Promise((resolve) => process.send?.(message, resolve))
}

/** Does what the process that started this one asks for, until it is to close, or nobody is there any more. */
export function answerRequests(app: App): void {
  const answer = async ({ id, ask }: MemberRequest) => {
    try {
      await app[ask]()
      await tell({ type: 'answer', id })
    } catch (error) {
      await tell({ type: 'answer', id, error: String(error) })
    }
    // Nothing else keeps the process.
    if (ask === 'close') process.disconnect()
  }
  // Whoever started it may be gone.
  process.on('disconnect', () => process.exit())
  process.on('message', (request: MemberRequest) => void answer(request))
}
