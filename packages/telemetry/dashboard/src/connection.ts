import { Letters } from './letters.ts'
import type { Live } from './live.ts'

/** How often the application is asked, in milliseconds, and how long it may take to answer. */
const EVERY_MS = 1_000
const ANSWER_MS = 5_000
const TOKEN = 'millrace-token'

export type Status = 'connecting' | 'live' | 'away' | 'token'

/** Asks for what there is once a second, for as long as the page is seen. What fails is asked again. */
export class Connection {
  readonly #onLive: (live: Live) => void
  readonly #onStatus: (status: Status, detail: string) => void
  readonly #letters = new Letters()
  #timer: number | undefined
  /** One at a time: whatever asks again meanwhile is asked after it. */
  #asking = false
  #again = false

  constructor(onLive: (live: Live) => void, onStatus: (status: Status, detail: string) => void) {
    this.#onLive = onLive
    this.#onStatus = onStatus
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#soon(0)
    })
  }

  start(): void {
    this.#soon(0)
  }

  /** Kept for this tab alone. */
  useToken(token: string): void {
    sessionStorage.setItem(TOKEN, token)
    this.#soon(0)
  }

  #soon(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#ask(), delayMs)
  }

  async #ask(): Promise<void> {
    if (document.hidden) return
    this.#again = this.#asking
    if (this.#asking) return
    this.#asking = true
    const isOver = await this.#asked()
    this.#asking = false
    if (this.#again) this.#soon(0)
    else if (!isOver) this.#soon(EVERY_MS)
    this.#again = false
  }

  /** Resolves to whether a token has to be given first. */
  async #asked(): Promise<boolean> {
    const token = sessionStorage.getItem(TOKEN)
    try {
      const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
      const answer = await fetch(`live.json${this.#letters.query}`, { headers, signal: AbortSignal.timeout(ANSWER_MS) })
      if (answer.status === 401) {
        this.#onStatus('token', token === null ? '' : 'This token was refused.')
        return true
      }
      if (!answer.ok) throw new Error(`it answers ${answer.status}`)
      this.#onLive(this.#letters.complete((await answer.json()) as Live))
      this.#onStatus('live', '')
    } catch (error) {
      this.#onStatus('away', error instanceof Error ? error.message : String(error))
    }
    return false
  }
}
