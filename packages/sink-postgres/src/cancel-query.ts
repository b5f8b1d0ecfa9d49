import { connect } from 'node:net'
import type { ClientBase } from 'pg'

/** What a client knows of its connection, of which `pg` declares nothing. */
interface Connected {
  readonly host?: string
  readonly port?: number
  readonly processID?: unknown
  readonly secretKey?: unknown
}

/** The code of such a request in the protocol. */
const CANCEL = 80_877_102
const REQUEST_BYTES = 16
/** How long the server has to take the request, in milliseconds. */
const LIMIT_MS = 5_000

/**
 * Asks the server to end what it does for a connection: by itself it would notice only when it has an answer for it that nobody takes. It may not get
 * the request, or too late: nobody is told.
 */
export function cancelQuery(client: ClientBase): void {
  const { host, port = 5_432, processID, secretKey } = client as unknown as Connected
  if (host === undefined || typeof processID !== 'number' || typeof secretKey !== 'number') return
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.unref()
  socket.setTimeout(LIMIT_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  const request = Buffer.alloc(REQUEST_BYTES)
  request.writeInt32BE(REQUEST_BYTES, 0)
  request.writeInt32BE(CANCEL, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  socket.end(request)
}
