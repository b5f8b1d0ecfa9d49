import { cpSync, existsSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { run } from '../run.mjs'
import { cached, manifest } from './checkout.mjs'
import { buildFolder, buildFromSource, clearTries, fetchPrebuilt } from './native-build.mjs'
import { SetupError } from './setup-error.mjs'
import { stamp } from './stamp.mjs'

const client = '@confluentinc/kafka-javascript'

/**
 * The native part of the Kafka client: its published binary, or else built from the sources in its package. Everything happens in a
 * folder aside; what loads there is then moved into place whole.
 * @param {import('./checkout.mjs').Checkout} checkout
 */
export function nativeClient(checkout) {
  const { say } = checkout
  const failure = cached(checkout, 'native-client-failure')
  const locate = () => {
    const folder = clientFolder(checkout.root)
    const key = `${manifest(folder).version} ${process.platform}-${process.arch} abi ${process.versions.modules}`
    return { folder, key, done: stamp(join(folder, 'build', '.set-up')) }
  }
  return {
    isDone() {
      const { key, done } = locate()
      return done.vouchesFor(key)
    },

    /** Why it could not be had the last time, with this Node on this machine. */
    failedBefore() {
      const text = existsSync(failure) ? readFileSync(failure, 'utf8') : ''
      const { key } = locate()
      return text.startsWith(`${key}\n`) ? text.slice(key.length + 1) : undefined
    },

    async run() {
      const { folder, key, done } = locate()
      if (await loads(folder)) return done.set(key)
      const aside = buildFolder(checkout)
      clearTries(aside)
      try {
        copySources(folder, aside)
        say('fetching the native Kafka client')
        if (!(await fetchPrebuilt(checkout, { folder, aside })) || !(await loads(aside))) {
          say('its published binary is out of reach: building it from source (one or two minutes)')
          await buildFromSource(checkout, aside)
          const problem = await whyNotLoading(aside)
          if (problem !== undefined) throw new SetupError(`The native Kafka client was built, but does not load: ${problem}`)
        }
        putInPlace(aside, folder)
        done.set(key)
        rmSync(failure, { force: true })
      } catch (error) {
        if (error instanceof SetupError) stamp(failure).set(`${key}\n${error.message}`)
        throw error
      } finally {
        clearTries(aside)
      }
    },
  }
}

/** @param {string} root */
function clientFolder(root) {
  const from = createRequire(join(root, 'packages', 'transport-kafka', 'package.json'))
  return realpathSync(dirname(from.resolve(`${client}/package.json`)))
}

/**
 * The package, and nan, whose headers it is compiled against.
 * @param {string} folder
 * @param {string} aside
 */
function copySources(folder, aside) {
  const left = new Set(['build', 'build.partial', 'node_modules'].map((name) => join(folder, name)))
  cpSync(folder, aside, { recursive: true, filter: (path) => !left.has(path) })
  const nan = dirname(createRequire(join(folder, 'package.json')).resolve('nan/package.json'))
  cpSync(nan, join(aside, 'node_modules', 'nan'), { recursive: true })
}

/**
 * Moves the binary and the libraries built with it; the rest of a build is large and of no more use.
 * @param {string} aside
 * @param {string} folder
 */
function putInPlace(aside, folder) {
  const partial = join(folder, 'build.partial')
  rmSync(partial, { recursive: true, force: true })
  for (const [part, wanted] of Object.entries({ Release: /\.node$/, deps: /\.(so|dylib)\b/ })) {
    const from = join(aside, 'build', part)
    for (const name of existsSync(from) ? readdirSync(from).filter((name) => wanted.test(name)) : []) {
      cpSync(join(from, name), join(partial, part, name), { dereference: true })
    }
  }
  rmSync(join(folder, 'build'), { recursive: true, force: true })
  renameSync(partial, join(folder, 'build'))
}

/** @param {string} folder */
async function loads(folder) {
  return (await whyNotLoading(folder)) === undefined
}

/**
 * In a process of its own: a binary for another Node or with a missing library may take its process with it.
 * @param {string} folder
 * @returns {Promise<string | undefined>}
 */
async function whyNotLoading(folder) {
  const binary = join(folder, 'build', 'Release', 'confluent-kafka-javascript.node')
  if (!existsSync(binary)) return `there is no ${binary}`
  const { code, output } = await run(process.execPath, ['--eval', 'require(process.argv[1])', binary])
  if (code === 0) return undefined
  return /Error: (.*)/.exec(output)?.[1] ?? `its process ended with code ${code}`
}
