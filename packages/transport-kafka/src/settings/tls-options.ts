import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import type { ClientProperties } from '../kafka-options.ts'
import { textOf } from './property-text.ts'

/** Properties of TLS that Node has a word for, or that change nothing where nothing is verified anew. */
const KNOWN: ReadonlySet<string> = new Set([
  'ssl.ca.location',
  'ssl.ca.pem',
  'ssl.certificate.location',
  'ssl.certificate.pem',
  'ssl.cipher.suites',
  'ssl.crl.location',
  'ssl.curves.list',
  'ssl.endpoint.identification.algorithm',
  'ssl.key.location',
  'ssl.key.password',
  'ssl.key.pem',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.sigalgs.list',
])

/**
 * librdkafka's properties of TLS as Node's options. Certificates of no authority given are those that Node trusts, which may be others than the
 * system's. Rejects with an `Error` that names the property, or the file, that can't be used.
 */
export async function tlsOptions(properties: ClientProperties): Promise<ConnectionOptions> {
  const strange = Object.keys(properties).find((name) => /^(ssl|https)[._]/.test(name) && !KNOWN.has(name))
  if (strange !== undefined) throw new Error(`the client that reads them has nothing like '${strange}'`)
  const text = (name: string) => textOf(properties, name)
  /** A file, or what is given in its place. */
  const content = async (of: string) => text(`${of}.pem`) ?? (await fileOf(`${of}.location`, text(`${of}.location`)))
  const [ca, cert, key, pfx, crl] = await Promise.all([
    // `probe`: where systems keep them.
    text('ssl.ca.location') === 'probe' ? text('ssl.ca.pem') : content('ssl.ca'),
    content('ssl.certificate'),
    content('ssl.key'),
    fileOf('ssl.keystore.location', text('ssl.keystore.location')),
    fileOf('ssl.crl.location', text('ssl.crl.location')),
  ])
  const verify = text('enable.ssl.certificate.verification') !== 'false'
  const names = text('ssl.endpoint.identification.algorithm') !== 'none'
  return {
    ...defined({ ca, cert, key, pfx, crl }),
    ...defined({
      passphrase: text('ssl.key.password') ?? text('ssl.keystore.password'),
      ciphers: text('ssl.cipher.suites'),
      ecdhCurve: text('ssl.curves.list'),
      sigalgs: text('ssl.sigalgs.list'),
    }),
    ...(!verify && { rejectUnauthorized: false }),
    ...(!names && { checkServerIdentity: () => undefined }),
  }
}

async function fileOf(property: string, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path)
  } catch (error) {
    throw new Error(`${property} can't be read: ${(error as Error).message}`, { cause: error })
  }
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
