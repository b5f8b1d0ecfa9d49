/** Which names are connected, directly or through others. */
export class Components {
  readonly #parent: Map<string, string>

  constructor(names: readonly string[]) {
    this.#parent = new Map(names.map((name) => [name, name]))
  }

  join(a: string, b: string): void {
    this.#parent.set(this.of(b), this.of(a))
  }

  /** The one name that stands for all that `name` is connected to. */
  of(name: string): string {
    let at = name
    for (;;) {
      const parent = this.#parent.get(at) as string
      if (parent === at) return at
      at = parent
    }
  }
}
