import {
  type AppState,
  isLegalTransition,
  type Logger,
  MillraceError,
  type Observer,
  type RuntimeEvent,
  tell,
  teller,
} from '@millrace/core'
import type { StateListener } from './app-api.ts'

/** The state of an application, and who is told of it. */
export class Lifecycle {
  /** Tells the observer. */
  readonly tell: (event: RuntimeEvent) => void
  readonly #logger: Logger
  readonly #listeners = new Set<StateListener>()
  #state: AppState = 'created'

  constructor(observer: Observer | undefined, logger: Logger) {
    this.#logger = logger
    this.tell = teller(observer, { name: 'the observer', logger })
  }

  get state(): AppState {
    return this.#state
  }

  /** Whether it has ended, or has not begun: `isBegun`, whether it is about to. */
  checkIdle(isBegun: boolean): void {
    const isIdle = this.#state === 'created' ? !isBegun : this.#state === 'not-running' || this.#state === 'error'
    if (!isIdle) throw new TypeError(`The application is ${this.#state}: local state can be deleted before it runs or when it has ended.`)
  }

  /** Of one that is asked for more than it is going to do. */
  notRunning(): MillraceError {
    return new MillraceError('NOT_RUNNING', `The application is ${this.#state}: nothing more will be processed.`, { stage: 'source' })
  }

  /** Calls `listener` at every change of state; returns how to stop that. */
  onChange(listener: StateListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Does nothing where that is no legal change. */
  go(to: AppState): void {
    const from = this.#state
    if (from === to || !isLegalTransition(from, to)) return
    this.#state = to
    this.#logger.info({ from, to }, `application ${to}`)
    this.tell({ type: 'state', stage: 'source', from, to })
    for (const listener of this.#listeners) tell(listener, [to, from], { name: 'a state listener', logger: this.#logger })
  }
}
