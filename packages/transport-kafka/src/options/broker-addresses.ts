/** `host:port`, an IPv6 host in brackets, perhaps behind a protocol as `SSL://`. */
const ADDRESS = /^(?:(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL):\/\/)?(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+):(\d{1,5})$/i

/** The addresses in `brokers`, and a sentence for each that is none. */
export function brokerAddresses(brokers: unknown): { readonly addresses: readonly string[]; readonly problems: readonly string[] } {
  const given: readonly unknown[] = Array.isArray(brokers) ? brokers : typeof brokers === 'string' ? brokers.split(',') : []
  if (given.length === 0 || brokers === '')
    return { addresses: [], problems: ["brokers is missing; name at least one, such as 'localhost:9092'"] }
  const addresses: string[] = []
  const problems: string[] = []
  for (const one of given) {
    const address = typeof one === 'string' ? one.trim() : String(one)
    const port = Number(ADDRESS.exec(address)?.[2])
    if (typeof one === 'string' && port >= 1 && port <= 65_535) addresses.push(address)
    else problems.push(`brokers has '${address}'; write host:port, such as 'localhost:9092'`)
  }
  return { addresses, problems }
}
