import { type Command, InvalidArgumentError } from 'commander'
import { command, type CommandHost, runs } from '../command-line/command.ts'
import { wholeNumber } from '../command-line/parse-values.ts'
import type { CommonOptions, Report } from '../command-line/report.ts'
import { existingFile } from '../load/load-app.ts'
import { loaderFor } from '../load/typescript.ts'
import { type HttpAddress, type InstanceRequest, startProcess } from '../run/instance-process.ts'
import { Supervisor, type SupervisorEvent } from '../run/supervisor.ts'

interface RunOptions extends CommonOptions {
  readonly instances: number
  readonly restarts: number
  readonly threads?: number
  readonly http?: HttpAddress
}

/** `millrace run`: an application, as one process or several. */
export function runCommandOf(host: CommandHost): Command {
  const run = command('run', 'Run an application until it is told to stop. SIGINT and SIGTERM drain it; a second one ends it at once.', [
    'millrace run src/app.ts',
    'millrace run dist/app.js --instances 4',
    'millrace run dist/app.js --threads 4',
    'millrace run dist/app.js --http 9464',
    'millrace run dist/app.js --restarts 0   # for a supervisor that restarts it itself',
  ])
    .argument('<file>', 'module whose default export is the application')
    .option('--instances <count>', 'processes that share the work', wholeNumber(1), 1)
    .option('--threads <count>', 'worker threads that share the work of each process; default: as many as the module says', wholeNumber(1))
    .option('--restarts <count>', 'how often a process that failed is started again, unless it ran for a minute', wholeNumber(0), 10)
    .option(
      '--http <address>',
      'serve metrics, health, state and the dashboard at [host:]port; each instance at the port after that of the one before',
      httpAddress,
    )
  return runs<RunOptions>(
    run,
    host,
    async ({ args: [file = ''], options, environment, report }) => {
      const path = existingFile(file, environment)
      const loader = loaderFor(path)
      const { instances, restarts, threads, http, verbose = false, json = false } = options
      const supervisor = new Supervisor({
        instances,
        start: (instance) =>
          startProcess({
            request: {
              file: path,
              instance,
              instances,
              ...{ verbose, json },
              ...(threads !== undefined && { threads }),
              ...(http && { http: ofInstance(http, instance) }),
            } satisfies InstanceRequest,
            program: './instance',
            loader,
            folder: environment.folder,
            variables: { ...environment.variables, MILLRACE_INSTANCE: String(instance) },
          }),
        clock: environment.clock,
        maxRestarts: restarts,
        tell: (event) => void tell(event, report, instances),
      })
      environment.kill.addEventListener('abort', () => supervisor.kill())
      return supervisor.run(environment.stop)
    },
    () => true,
  )
}

function ofInstance({ host, port }: HttpAddress, instance: number): HttpAddress {
  return { host, port: port === 0 ? 0 : port + instance - 1 }
}

/** On this machine alone, unless a host is named. */
function httpAddress(text: string): HttpAddress {
  const [, host, port = ''] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? []
  if (port === '' || Number(port) > 65_535) throw new InvalidArgumentError("Use a port, or host:port, such as '0.0.0.0:9464'.")
  return { host: host?.replace(/^\[(.*)\]$/, '$1') ?? '127.0.0.1', port: Number(port) }
}

async function tell(event: SupervisorEvent, report: Report, instances: number): Promise<void> {
  if (report.json) return report.line(event, () => '')
  const line = sentence(event, instances === 1 ? 'the application' : `instance ${event.instance}`)
  if (line !== undefined) await report.note(line)
}

function sentence(event: SupervisorEvent, who: string): string | undefined {
  if (event.event === 'started') return `${who} runs as process ${event.pid}`
  if (event.event === 'restarting') return `${who} is started again in ${event.inMs / 1_000} s`
  if (event.event === 'given-up') return `${who} failed ${event.restarts + 1} times, and is not started again`
  if (event.code === 0) return `${who} has ended`
  return event.signal === null ? `${who} ended with ${event.code}` : `${who} was ended by ${event.signal}`
}
