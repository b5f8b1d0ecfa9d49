import type { MessagePort } from 'node:worker_threads'
import { asError, type Deferred, deferred, type ErrorData, errorData, errorFrom } from '@millrace/core'

/** What one side can be asked, by name: what it is given and what it answers. All of it can be copied to another thread. */
export type Calls = { readonly [name: string]: { readonly argument: unknown; readonly answer: unknown } }

/** How a side answers what it is asked. */
export type Answering<Asked extends Calls> = {
  readonly [Name in keyof Asked]: (argument: Asked[Name]['argument']) => Promise<Asked[Name]['answer']>
}

export interface PortOptions<Asked extends Calls, Heard> {
  readonly calls: Answering<Asked>
  /** Something that wants no answer. */
  readonly onNews: (news: Heard) => void
}

type Message =
  | { readonly ask: number; readonly name: string; readonly argument: unknown }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: ErrorData }
  | { readonly news: unknown }

/** One end of what two threads say to each other: `Theirs` is what the other side can be asked, `Told` what it is told. */
export class Port<Theirs extends Calls, Told, Asked extends Calls, Heard> {
  readonly #channel: MessagePort
  readonly #options: PortOptions<Asked, Heard>
  readonly #asked = new Map<number, Deferred<unknown>>()
  #next = 0
  #closed: Error | undefined

  constructor(channel: MessagePort, options: PortOptions<Asked, Heard>) {
    this.#channel = channel
    this.#options = options
    channel.on('message', (message: Message) => this.#take(message))
    channel.on('messageerror', (error: unknown) => this.close(asError(error)))
  }

  /** Rejects with what the other side rejects with, or with why the port was closed. */
  ask<Name extends keyof Theirs & string>(name: Name, argument: Theirs[Name]['argument']): Promise<Theirs[Name]['answer']> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    const id = ++this.#next
    const answer = deferred<unknown>()
    this.#asked.set(id, answer)
    try {
      this.#channel.postMessage({ ask: id, name, argument } satisfies Message)
    } catch (error) {
      this.#asked.delete(id)
      answer.reject(error)
    }
    return answer.promise
  }

  /** Says something that wants no answer. What can't be copied throws; nothing is said once the port is closed. */
  tell(news: Told): void {
    if (this.#closed === undefined) this.#channel.postMessage({ news } satisfies Message)
  }

  /** What was asked and not answered is rejected with `reason`. */
  close(reason: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    this.#channel.close()
    for (const { reject } of this.#asked.values()) reject(reason)
    this.#asked.clear()
  }

  #take(message: Message): void {
    if (this.#closed !== undefined) return
    if ('news' in message) return this.#options.onNews(message.news as Heard)
    if ('ask' in message) return void this.#answer(message.ask, message.name, message.argument)
    const asked = this.#asked.get(message.answer)
    this.#asked.delete(message.answer)
    if ('error' in message) asked?.reject(errorFrom(message.error))
    else asked?.resolve(message.value)
  }

  async #answer(id: number, name: string, argument: unknown): Promise<void> {
    const calls: Answering<Calls> = this.#options.calls
    try {
      const value = await calls[name]?.(argument)
      this.#post({ answer: id, value })
    } catch (error) {
      this.#post({ answer: id, error: errorData(error) })
    }
  }

  #post(message: Message): void {
    if (this.#closed === undefined) this.#channel.postMessage(message)
  }
}
