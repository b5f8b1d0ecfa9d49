/** What a program did is not what it should have done. */
export class WrongResult extends Error {
  constructor(where: string, what: string) {
    super(`${where} is wrong: ${what}.`)
    this.name = 'WrongResult'
  }
}
