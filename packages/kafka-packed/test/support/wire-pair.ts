import { type Answering, WireBroker, type WireTopic } from './wire-broker.ts'

/** Two brokers, 1 and 2, that are one cluster. */
export class WirePair implements AsyncDisposable {
  readonly first: WireBroker
  readonly second: WireBroker

  static async open(...topics: WireTopic[]): Promise<WirePair> {
    return new WirePair(await WireBroker.open(...topics), await WireBroker.open(...topics))
  }

  private constructor(first: WireBroker, second: WireBroker) {
    this.first = first
    this.second = second
    first.ports.set(2, second.port)
    second.ports.set(1, first.port)
    this.nodes = [1, 2]
  }

  set nodes(nodes: readonly number[]) {
    this.first.nodes = this.second.nodes = nodes
  }

  set topics(topics: readonly WireTopic[]) {
    this.first.topics = this.second.topics = topics
  }

  /** Whichever is asked. */
  answer(key: number, answering: Answering): void {
    for (const broker of [this.first, this.second]) broker.answers.set(key, answering)
  }

  count(key: number): number {
    return this.first.count(key) + this.second.count(key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.first[Symbol.asyncDispose](), this.second[Symbol.asyncDispose]()])
  }
}
