import type { RuntimeEvent } from 'millrace'
import { type ChildOptions, ChildProgram } from './child-program.ts'
import type { MemberConfig, MemberMessage, MemberRequest } from './member-messages.ts'

type Failed = Extract<MemberMessage, { type: 'failed' }>

/** A member of a group in a process of its own: one that counts words, unless another program is named. */
export class Member<Config = MemberConfig> extends ChildProgram<MemberMessage> {
  readonly events: RuntimeEvent[]
  readonly #answers: Map<number, string | undefined>
  readonly #failures: Failed[]
  #asked = 0

  constructor(config: Config, program = 'word-count-member', options: ChildOptions = {}) {
    const events: RuntimeEvent[] = []
    const answers = new Map<number, string | undefined>()
    const failures: Failed[] = []
    super(
      program,
      config,
      (message) => {
        if (message.type === 'event') events.push(message.event)
        else if (message.type === 'failed') failures.push(message)
        else answers.set(message.id, message.error)
      },
      options,
    )
    this.#failures = failures
    this.events = events
    this.#answers = answers
  }

  /** What its application has stopped with. */
  get failure(): Failed | undefined {
    return this.#failures[0]
  }

  /** Rejects if the process ends before, with what its application has stopped with. */
  override async until(condition: (member: this) => boolean): Promise<void> {
    try {
      await super.until(condition)
    } catch (error) {
      if (this.failure === undefined) throw error
      throw new Error(`the member has stopped with ${this.failure.code}: ${this.failure.message}`, { cause: error })
    }
  }

  /** How many commits it has made. */
  get commits(): number {
    return this.events.filter(({ type }) => type === 'commit').length
  }

  /** The tasks it has now, as far as it has told. */
  get tasks(): ReadonlySet<string> {
    const tasks = new Set<string>()
    for (const event of this.events) {
      if (event.type === 'assigned') for (const task of event.tasks) tasks.add(task)
      else if (event.type === 'revoked' || event.type === 'lost') for (const task of event.tasks) tasks.delete(task)
    }
    return tasks
  }

  /** Whether its group has put it out, as far as it has told. */
  get wasPutOut(): boolean {
    return this.events.some(({ type }) => type === 'lost')
  }

  /** Resolves when it has done what it is asked to. */
  async ask(what: MemberRequest['ask']): Promise<void> {
    const id = ++this.#asked
    this.send({ id, ask: what } satisfies MemberRequest)
    await this.until(() => this.#answers.has(id))
    const error = this.#answers.get(id)
    if (error !== undefined) throw new Error(`the member could not do '${what}': ${error}`)
  }

  /** Closes the application and waits for the end of the process. */
  async close(): Promise<number | null> {
    await this.ask('close')
    return this.exit()
  }
}
