/** The name of a static member: of one of several in a process, as Kafka Streams names its threads. */
export function memberName(name: string | undefined, member: number | undefined): string | undefined {
  return name === undefined || member === undefined ? name : `${name}-${member}`
}
