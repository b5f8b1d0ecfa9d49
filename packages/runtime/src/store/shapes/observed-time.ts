/**
 * Stream time of a store of windows: the latest time that was ever set. It is taken back with the changes of a pass that fails, and what is written
 * beside the rows is that of the changes which are committed with it.
 */
export class ObservedTime {
  readonly #retentionMs: number
  #now = -1
  #passing = false
  /** What it was when the pass began, and when its last part that is kept did. */
  #pass = -1
  #part = -1
  #sealed = -1
  #committed = -1
  #dropped = 0

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs
  }

  get now(): number {
    return this.#now
  }

  /** What goes with the rows that are sealed or, if none are, committed. */
  get sealed(): number {
    return this.#sealed
  }

  /** What goes with the rows that are committed. */
  get committed(): number {
    return this.#committed
  }

  /** The first time that is still kept, at stream time `now`. */
  firstKept(now: number): number {
    return Math.max(0, now - this.#retentionMs + 1)
  }

  isExpired(time: number): boolean {
    return time < this.firstKept(this.#now)
  }

  /** So many windows were too old to be set. */
  drop(windows: number): void {
    this.#dropped += windows
  }

  /** How many those were since the last call; of passes that failed, too. */
  takeDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }

  observe(time: number): void {
    if (time > this.#now) this.#now = time
  }

  /** What the rows on disk stand for, or rows that were restored. */
  restored(time: number): void {
    this.observe(time)
    this.#committed = this.#sealed = this.#pass = this.#part = this.#now
  }

  begin(): void {
    this.#passing = true
    this.#pass = this.#part = this.#now
  }

  succeed(): void {
    this.#passing = false
  }

  rollback(): void {
    this.#now = this.#pass
    this.#passing = false
  }

  keep(): void {
    this.#part = this.#now
  }

  undo(): void {
    this.#now = this.#part
  }

  seal(): void {
    this.#sealed = this.#passing ? this.#pass : this.#now
  }

  /** What was sealed is on disk. */
  persisted(): void {
    this.#committed = this.#sealed
  }
}
