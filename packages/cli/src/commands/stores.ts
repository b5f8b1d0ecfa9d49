import type { Command } from 'commander'
import { type Action, command, type CommandHost, type Invocation, runs } from '../command-line/command.ts'
import { NotFoundError, UsageError } from '../command-line/errors.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { wholeNumber } from '../command-line/parse-values.ts'
import { type CommonOptions, jsonText } from '../command-line/report.ts'
import { printable } from '../command-line/table.ts'
import { targetOf } from '../load/target.ts'
import { askAllOfKey, askOverHttp } from '../stores/http-stores.ts'
import { askLocalStores } from '../stores/local-stores.ts'
import type { StoreAnswer, StoreQuestion } from '../stores/store-question.ts'

interface StoreOptions extends CommonOptions {
  readonly http?: string
  readonly token?: string
  readonly stateDir?: string
  readonly from?: string
  readonly to?: string
}

interface ScanOptions extends StoreOptions {
  readonly prefix?: string
  readonly reverse?: boolean
  readonly limit: number
}

/** `millrace stores`: what an application knows. */
export function storesCommand(host: CommandHost): Command {
  const stores = command(
    'stores',
    'Read state stores: of a running application over its HTTP server, or of a stopped one from its folder.',
    ['millrace stores get counts the --http http://localhost:9464', 'millrace stores scan counts src/app.ts --prefix th'],
  )
  for (const one of [getCommand(host), scanCommand(host)]) stores.addCommand(one)
  return stores
}

function getCommand(host: CommandHost): Command {
  const get = whereOptions(
    command('get', 'Print the value of a key; of windows and sessions, all that the key has.', [
      'millrace stores get counts the --http http://localhost:9464',
      'millrace stores get counts the src/app.ts',
      'millrace stores get per-minute the src/app.ts --from 2026-03-01T12:00:00Z',
    ])
      .argument('<store>', 'name of the store')
      .argument('<key>', "text, or what the store's keys are as JSON")
      .argument('[file]', 'module whose default export is the application'),
  )
  return reads<StoreOptions>(get, host, async (invocation) => {
    const { args, options, report } = invocation
    const [store = '', key = '', file] = args
    const answer = await answerTo({ store, key, from: options.from, to: options.to, reverse: false, limit: Infinity }, file, invocation)
    if (answer.entries.length === 0) throw new NotFoundError(`Store '${store}' has no key '${printable(key)}'.`)
    await report.result(answer, () => lines(answer))
  })
}

function scanCommand(host: CommandHost): Command {
  const scan = whereOptions(
    command('scan', 'Print entries, in the byte order of their keys within a task.', [
      'millrace stores scan counts --http http://localhost:9464 --limit 10',
      'millrace stores scan counts src/app.ts --prefix th',
      'millrace stores scan counts src/app.ts --from a --to c --json',
    ])
      .argument('<store>', 'name of the store')
      .argument('[file]', 'module whose default export is the application'),
  )
    .option('--prefix <text>', 'of keys that begin with these bytes')
    .option('--reverse', 'backwards')
    .option('--limit <count>', 'the first so many', wholeNumber(1), 100)
  return reads<ScanOptions>(scan, host, async (invocation) => {
    const { args, options, report } = invocation
    const { from, to, prefix, reverse = false, limit } = options
    if (prefix !== undefined && (from !== undefined || to !== undefined || reverse)) {
      throw new UsageError('Choose --prefix, or --from, --to and --reverse.')
    }
    const [store = '', file] = args
    const answer = await answerTo({ store, from, to, prefix, reverse, limit }, file, invocation)
    await report.result(answer, () => lines(answer))
    if (report.json) return
    if (answer.process !== undefined)
      await report.note(`of the process at ${answer.process}: what others have of it is to be asked for there`)
    if (answer.more) await report.note(moreNote(answer.entries.length, limit))
  })
}

function moreNote(count: number, limit: number): string {
  if (count >= limit) return `there are more than ${limit}: --limit`
  return `there are more than these ${count}, which are as large as one answer may be: go on with --from`
}

function whereOptions(of: Command): Command {
  return of
    .option('--http <url>', "address of a running application's HTTP server")
    .option('--token <token>', 'that it wants; by default MILLRACE_TOKEN')
    .option('--state-dir <path>', "folder of local state; by default the module's")
    .option('--from <key>', 'from this key on; of windows and sessions, this time')
    .option('--to <key>', 'before this key; of windows and sessions, before this time')
}

/** What has begun to copy a store takes the copy away before it ends, also when it is told to stop. */
function reads<Options extends StoreOptions>(of: Command, host: CommandHost, action: Action<Options>): Command {
  const { stop } = host.environment
  const finishing: Action<Options> = async (invocation) => {
    try {
      return await action(invocation)
    } catch (error) {
      if (stop.aborted) return EXIT.interrupted
      throw error
    }
  }
  return runs<Options>(of, host, finishing, () => true)
}

async function answerTo(
  question: StoreQuestion,
  file: string | undefined,
  { options, environment }: Invocation<StoreOptions>,
): Promise<StoreAnswer> {
  const { http, token = environment.variables['MILLRACE_TOKEN'], stateDir } = options
  if (http !== undefined) {
    const target = { url: http, token, stop: environment.stop }
    return question.key === undefined ? { ...(await askOverHttp(question, target)), process: http } : askAllOfKey(question, target)
  }
  if (file === undefined) throw new UsageError('Name the module of the application, or the address of a running one with --http.')
  const { stop } = environment
  const { definition } = await Promise.race([targetOf(file, {}, environment), rejectedBy(stop)])
  if (definition === undefined) throw new UsageError(`'${file}' exports no application.`)
  return askLocalStores({ ...definition, ...(stateDir !== undefined && { stateDir }) }, question, stop)
}

/** Of a module that takes its time nothing has to be finished. */
function rejectedBy(stop: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    const end = () => reject(new Error('It was told to stop.'))
    if (stop.aborted) end()
    else stop.addEventListener('abort', end, { once: true })
  })
  aborted.catch(() => undefined)
  return aborted
}

function lines({ entries }: StoreAnswer): string {
  return entries.map(({ key, value }) => `${shown(key)}\t${shown(value)}\n`).join('')
}

function shown(value: unknown): string {
  return printable(typeof value === 'string' ? value : jsonText(value))
}
