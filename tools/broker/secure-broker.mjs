import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePorts } from '../../packages/cli/broker/free-port.mjs'
import { format } from '../../packages/cli/broker/java-broker.mjs'
import { JavaNode } from '../../packages/cli/broker/java-node.mjs'
import { kafkaJars } from '../../packages/cli/broker/kafka-jars.mjs'
import { serverProperties } from '../../packages/cli/broker/node-settings.mjs'
import { startReaper } from '../../packages/cli/broker/reaper.mjs'
import { run } from '../../packages/cli/broker/run.mjs'
import { cache } from '../paths.mjs'

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']
const LOGIN = 'org.apache.kafka.common.security'

/**
 * One broker of our own, whose users log in: with TLS on one port, without on another. Needs Java, whichever broker others use.
 * @typedef {object} SecureBroker
 * @property {number} tlsPort Of SASL over TLS, on 127.0.0.1.
 * @property {number} plainPort Of SASL without TLS, where a login by PLAIN or OAUTHBEARER is good for so long only. Tokens are taken unsigned.
 * @property {string} certificate By which clients know the broker, in PEM.
 * @property {() => Promise<void>} stop
 */

/**
 * @param {{ user: string, password: string, loginMs: number }} options Who may log in, by every mechanism, and for how long a login is good where it ends.
 * @returns {Promise<SecureBroker>}
 */
export async function openSecureBroker({ user, password, loginMs }) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-secure-'))
  const reaper = startReaper()
  reaper.watchFolder(folder)
  const [port = 0, controllerPort = 0, tlsPort = 0, plainPort = 0] = await freePorts(4)
  const plan = { id: 1, port, controllerPort, folder: join(folder, 'node-1') }
  const classpath = [join(await kafkaJars(cache, () => {}, process.env['MILLRACE_KAFKA_VERSION']), '*')].join(delimiter)
  const node = new JavaNode(plan, { classpath, longLived: false, reaper })
  const stop = async () => {
    await node.kill()
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    reaper.close()
  }
  try {
    const { store, certificate } = await keyStore(folder)
    const properties = `${serverProperties(plan, [plan])}${secureProperties({ port, controllerPort, tlsPort, plainPort }, { store, user, password, loginMs })}`
    const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => `${mechanism}=[name=${user},password=${password}]`)
    await format(plan, properties, { clusterId: randomBytes(16).toString('base64url'), classpath, users })
    await node.start()
    return { tlsPort, plainPort, certificate, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @param {string} folder */
async function keyStore(folder) {
  const [store, pem] = [join(folder, 'keys.p12'), join(folder, 'certificate.pem')]
  const common = ['-keystore', store, '-storepass', 'secret', '-alias', 'broker']
  await mkdir(folder, { recursive: true })
  await keytool([
    '-genkeypair',
    ...common,
    '-keyalg',
    'RSA',
    '-dname',
    'CN=localhost',
    '-ext',
    'SAN=ip:127.0.0.1,dns:localhost',
    '-storetype',
    'PKCS12',
  ])
  await keytool(['-exportcert', '-rfc', ...common, '-file', pem])
  return { store, certificate: await readFile(pem, 'utf8') }
}

/** @param {readonly string[]} options */
async function keytool(options) {
  const { code, output } = await run('keytool', [...options])
  if (code !== 0) throw new Error(`keytool ${options[0]} failed:\n${output.trim()}`)
}

/**
 * Those that come last are in force.
 * @param {{ port: number, controllerPort: number, tlsPort: number, plainPort: number }} ports
 * @param {{ store: string, user: string, password: string, loginMs: number }} login
 */
function secureProperties({ port, controllerPort, tlsPort, plainPort }, { store, user, password, loginMs }) {
  const clients = `PLAINTEXT://127.0.0.1:${port},TLS://127.0.0.1:${tlsPort},OPEN://127.0.0.1:${plainPort}`
  const settings = {
    listeners: `${clients},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': clients,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SASL_SSL,OPEN:SASL_PLAINTEXT',
    'ssl.keystore.location': store,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': 'secret',
    'ssl.key.password': 'secret',
    'listener.name.open.plain.connections.max.reauth.ms': String(loginMs),
    'listener.name.open.oauthbearer.connections.max.reauth.ms': String(loginMs),
    ...Object.fromEntries(['tls', 'open'].flatMap((listener) => logins(`listener.name.${listener}`, user, password))),
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/**
 * @param {string} prefix
 * @param {string} user
 * @param {string} password
 * @returns {[string, string][]}
 */
function logins(prefix, user, password) {
  return [
    [`${prefix}.sasl.enabled.mechanisms`, MECHANISMS.join(',')],
    [`${prefix}.plain.sasl.jaas.config`, `${LOGIN}.plain.PlainLoginModule required user_${user}="${password}";`],
    [`${prefix}.scram-sha-256.sasl.jaas.config`, `${LOGIN}.scram.ScramLoginModule required;`],
    [`${prefix}.scram-sha-512.sasl.jaas.config`, `${LOGIN}.scram.ScramLoginModule required;`],
    [
      `${prefix}.oauthbearer.sasl.jaas.config`,
      `${LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    ],
  ]
}
