import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Transform } from 'node:stream'
import { freePort } from './free-port.mjs'

/** Hands on what it is given, in order, that much later. */
class Delay extends Transform {
  /** @param {number} delayMs */
  constructor(delayMs) {
    super({
      transform(chunk, _encoding, taken) {
        setTimeout(() => this.push(chunk), delayMs)
        taken()
      },
      flush(done) {
        setTimeout(done, delayMs)
      },
    })
  }
}

/**
 * @typedef {object} Direction
 * @property {import('node:net').Socket} from
 * @property {import('node:net').Socket} to
 * @property {import('node:stream').Writable} into What `from` is read into: `to`, or what delays on the way there.
 */

/** One connection with what it is forwarded to. */
class Link {
  /** @type {readonly Direction[]} */
  #directions
  /** @type {(link: Link) => void} */
  #onClose
  #standsStill = false

  /**
   * @param {import('node:net').Socket} client
   * @param {import('node:net').Socket} broker
   * @param {{ delayMs: number, onClose: (link: Link) => void }} options
   */
  constructor(client, broker, { delayMs, onClose }) {
    this.#directions = [direction(client, broker, delayMs), direction(broker, client, delayMs)]
    this.#onClose = onClose
    for (const { from, to, into } of this.#directions) {
      from.setNoDelay(true)
      // What the system says of an end that is gone is told by 'close', too.
      from.on('error', () => undefined)
      from.on('close', (failed) => {
        // Where nothing gets through, the other side does not hear of that either.
        if (this.#standsStill) return
        this.#onClose(this)
        // What it has sent before is on its way.
        if (failed) to.destroy()
        else into.end()
      })
    }
    this.goOn()
  }

  /** What arrives from now on is held, ends of connections included: first by the systems' buffers, then by who sends. */
  standStill() {
    this.#standsStill = true
    for (const { from, into } of this.#directions) from.unpipe(into).pause()
  }

  goOn() {
    this.#standsStill = false
    if (this.#directions.some(({ from }) => from.destroyed)) {
      this.#onClose(this)
      this.destroy()
    } else for (const { from, into } of this.#directions) from.pipe(into)
  }

  destroy() {
    for (const { from } of this.#directions) from.destroy()
  }
}

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 * @param {number} delayMs
 * @returns {Direction}
 */
function direction(from, to, delayMs) {
  if (delayMs === 0) return { from, to, into: to }
  const into = new Delay(delayMs)
  into.pipe(to)
  return { from, to, into }
}

/**
 * A network that can be taken away, or takes its time: what comes to its port on 127.0.0.1 is forwarded to a broker, unless it stands still.
 * @implements {AsyncDisposable}
 */
export class TcpProxy {
  #delayMs
  #server
  /** @type {Set<Link>} */
  #links = new Set()
  /** @type {{ readonly host: string, readonly port: number } | undefined} */
  #target
  #standsStill = false

  /**
   * @param {number} port
   * @param {number} delayMs
   */
  constructor(port, delayMs) {
    this.port = port
    this.#delayMs = delayMs
    this.#server = createServer({ pauseOnConnect: true }, (client) => this.#accept(client))
  }

  /**
   * Listens on a free port; whoever comes before `forwardTo` is turned away.
   * @param {{ delayMs?: number }} [options] `delayMs`: how long everything is on its way, in each direction. Default: 0.
   */
  static async open({ delayMs = 0 } = {}) {
    const proxy = new TcpProxy(await freePort(), delayMs)
    await proxy.#listen()
    return proxy
  }

  get address() {
    return `127.0.0.1:${this.port}`
  }

  /** @param {string | undefined} address `host:port`, or nothing: then everybody is turned away. */
  forwardTo(address) {
    const [host = '', port = ''] = address?.split(':') ?? []
    this.#target = address === undefined ? undefined : { host, port: Number(port) }
  }

  /** Connections stay open, and new ones are accepted, but not a byte gets through. */
  standStill() {
    this.#standsStill = true
    for (const link of this.#links) link.standStill()
  }

  /** As when it stands still, and nobody can connect any more. */
  refuse() {
    this.standStill()
    // Those that there are stay.
    this.#server.close()
  }

  /** Everything that was held is forwarded, and nothing is held any more. */
  async goOn() {
    this.#standsStill = false
    for (const link of this.#links) link.goOn()
    if (!this.#server.listening) await this.#listen()
  }

  async [Symbol.asyncDispose]() {
    for (const link of this.#links) link.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #listen() {
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** @param {import('node:net').Socket} client */
  #accept(client) {
    if (this.#target === undefined) {
      client.destroy()
      return
    }
    const onClose = (/** @type {Link} */ closed) => this.#links.delete(closed)
    const link = new Link(client, connect(this.#target), { delayMs: this.#delayMs, onClose })
    this.#links.add(link)
    if (this.#standsStill) link.standStill()
  }
}
