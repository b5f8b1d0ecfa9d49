/** The client id of a member that can be reached at `address`: how other members find it. */
export function advertising(clientId: string, address: string | undefined): string {
  return address === undefined ? clientId : `${clientId}@${address}`
}

/** The address that a member's client id tells; undefined if it tells none. */
export function advertisedIn(clientId: string): string | undefined {
  const at = clientId.lastIndexOf('@')
  return at < 0 || at === clientId.length - 1 ? undefined : clientId.slice(at + 1)
}
