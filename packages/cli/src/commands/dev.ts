import { mkdtempSync, readFileSync, rmSync, type Stats } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { watch } from 'chokidar'
import { type Command, InvalidArgumentError } from 'commander'
import { command, type CommandHost, type Invocation, runs } from '../command-line/command.ts'
import { wait } from '../command-line/environment.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { wholeNumber } from '../command-line/parse-values.ts'
import type { CommonOptions } from '../command-line/report.ts'
import { type DevLines, READY, UNREAD } from '../dev/dev-messages.ts'
import { isUnwatched, projectFolder } from '../dev/project-folder.ts'
import { TypedLines } from '../dev/typed-lines.ts'
import { existingFile } from '../load/load-app.ts'
import { loaderFor } from '../load/typescript.ts'
import { type ProcessInstance, startProcess } from '../run/instance-process.ts'

interface InputFile {
  readonly topic: string
  readonly path: string
}

interface DevOptions extends CommonOptions {
  readonly input: readonly InputFile[]
  readonly partitions: number
}

/** What is saved in one go is one change. */
const SETTLE_MS = 100
/** Then it is ended by force. */
const DRAIN_MS = 5_000

/** `millrace dev`: an application while it is being written. */
export function devCommand(host: CommandHost): Command {
  const dev = command(
    'dev',
    'Run an application on an embedded log, and begin anew whenever a source of the project, or a file of input, changes: with the same input, and without state. What it writes to its topics is printed.',
    [
      'millrace dev src/app.ts',
      'millrace dev src/app.ts --input lines=samples/lines.txt',
      'echo \'{"topic":"orders","key":"7","value":{"amount":3}}\' | millrace dev src/app.ts',
    ],
  )
    .argument('<file>', 'module whose default export is the application')
    .option('--input <topic=file>', 'records for a topic, a line each; may be given several times', inputFile, [])
    .option('--partitions <count>', 'of each topic', wholeNumber(1), 1)
  return runs<DevOptions>(dev, host, develop, () => true)
}

async function develop(invocation: Invocation<DevOptions>): Promise<number> {
  const { args, options, report } = invocation
  const unread = new AbortController()
  const environment = { ...invocation.environment, stop: AbortSignal.any([invocation.environment.stop, unread.signal]) }
  const path = existingFile(args[0] ?? '', environment)
  const loader = loaderFor(path)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-dev-'))
  const typed = new TypedLines()
  let current: ProcessInstance | undefined
  const changes = new Changes(
    path,
    options.input.map((one) => existingFile(one.path, environment)),
  )
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => {
    if (line.trim() === '') return
    typed.add(line)
    current?.send({ lines: [line] } satisfies DevLines)
  })
  const sendFile = ({ topic, path: file }: InputFile, to: ProcessInstance) => {
    try {
      to.send({ topic, file, lines: readFileSync(existingFile(file, environment), 'utf8').split(/\r?\n/) } satisfies DevLines)
    } catch (error) {
      // It was there when the command began.
      void report.failure(error)
    }
  }
  try {
    for (let generation = 0; !environment.stop.aborted; generation++) {
      const request = { file: path, partitions: options.partitions, stateDir: join(folder, String(generation)), ...flags(options) }
      const instance = startProcess({
        request,
        program: '../dev/dev-instance',
        loader,
        folder: environment.folder,
        variables: environment.variables,
      })
      instance.onMessage((message) => {
        if (message === UNREAD) unread.abort()
        if (message !== READY) return
        current = instance
        for (const input of options.input) sendFile(input, instance)
        const lines = typed.kept
        if (lines.length > 0) instance.send({ lines } satisfies DevLines)
      })
      environment.kill.addEventListener('abort', () => instance.kill())
      const changed = changes.next(environment.stop)
      const ended = instance.ended.then(() => undefined)
      if ((await Promise.race([changed, ended.then(() => 'ended')])) === 'ended' && !environment.stop.aborted) {
        await report.note('it has ended; the next change of a file starts it again')
      }
      const file = await changed
      current = undefined
      instance.drain()
      if ((await Promise.race([ended.then(() => 'ended'), wait(DRAIN_MS, { ...environment, stop: environment.kill })])) !== 'ended')
        instance.kill()
      await ended
      if (file !== undefined) await report.note(`${relative(environment.folder, file)} has changed: beginning anew`)
    }
    return EXIT.done
  } finally {
    input.close()
    await changes.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function flags({ json = false, verbose = false }: CommonOptions) {
  return { json, verbose }
}

/** Files of the project as they change. */
class Changes {
  readonly #watcher: ReturnType<typeof watch>
  #changed: string | undefined
  #tell: (() => void) | undefined

  /** `inputs`: watched as well, wherever they are. */
  constructor(file: string, inputs: readonly string[]) {
    const project = projectFolder(file)
    const ignored = (path: string, stats?: Stats) => !inputs.includes(path) && isUnwatched(path, project, stats?.isFile() === true)
    this.#watcher = watch([project, ...inputs], { ignoreInitial: true, ignored })
    this.#watcher.on('all', (_, path) => {
      this.#changed = path
      this.#tell?.()
    })
  }

  /** The next one, or one since the last call; undefined when it is to stop. */
  async next(stop: AbortSignal): Promise<string | undefined> {
    if (this.#changed === undefined && !stop.aborted) {
      await new Promise<void>((resolve) => {
        this.#tell = resolve
        stop.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    if (stop.aborted) return undefined
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    const changed = this.#changed
    this.#changed = undefined
    return changed
  }

  async close(): Promise<void> {
    await this.#watcher.close()
  }
}

function inputFile(text: string, before: readonly InputFile[]): readonly InputFile[] {
  const [, topic, path] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (topic === undefined || path === undefined) throw new InvalidArgumentError('Use TOPIC=FILE.')
  return [...before, { topic, path }]
}
