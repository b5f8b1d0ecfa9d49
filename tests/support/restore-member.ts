import type { RestoreEvent, RuntimeEvent } from '@millrace/core'
import { ChildProgram } from './child-program.ts'
import type { RestoreAnswer, RestoreConfig, RestoreMessage, RestoreRequest } from './restore-messages.ts'

type LogLine = Extract<RestoreMessage, { type: 'log' }>['line']
type Restored = Extract<RestoreMessage, { type: 'restored' }>

/** An application with a big store that it restores, in a process of its own. */
export class RestoreMember extends ChildProgram<RestoreMessage> {
  readonly events: RuntimeEvent[]
  readonly lines: LogLine[]
  readonly #told: { held: boolean; restored: Restored | undefined }
  readonly #answers: Map<number, RestoreAnswer>
  #asked = 0

  constructor(config: RestoreConfig) {
    const events: RuntimeEvent[] = []
    const lines: LogLine[] = []
    const answers = new Map<number, RestoreAnswer>()
    const told: { held: boolean; restored: Restored | undefined } = { held: false, restored: undefined }
    super('restore-member', config, (message) => {
      if (message.type === 'event') events.push(message.event)
      else if (message.type === 'log') lines.push(message.line)
      else if (message.type === 'answer') answers.set(message.id, message.answer)
      else if (message.type === 'held') told.held = true
      else told.restored = message
    })
    this.events = events
    this.lines = lines
    this.#answers = answers
    this.#told = told
  }

  /** Of the big store. */
  restoreEvents(phase: RestoreEvent['phase']): RestoreEvent[] {
    return this.events.flatMap((event) => (event.type === 'restore' && event.store === 'big' && event.phase === phase ? event : []))
  }

  /** Resolves when the big store takes nothing more. */
  async held(): Promise<void> {
    await this.until(() => this.#told.held)
  }

  /** Resolves when all tasks run. */
  async restored(): Promise<Restored> {
    await this.until(() => this.#told.restored !== undefined)
    return this.#told.restored as Restored
  }

  async ask(what: RestoreRequest['ask']): Promise<RestoreAnswer> {
    const id = ++this.#asked
    this.send({ id, ask: what } satisfies RestoreRequest)
    await this.until(() => this.#answers.has(id))
    return this.#answers.get(id) as RestoreAnswer
  }

  /** Closes the application and waits for the end of the process. */
  async close(): Promise<number | null> {
    await this.ask('close')
    return this.exit()
  }
}
