import { failureLine } from '../command-line/failure-line.ts'
import { UsageError } from '../command-line/errors.ts'
import { jsonText } from '../command-line/report.ts'
import { printable } from '../command-line/table.ts'
import { loadApp } from '../load/load-app.ts'
import { startedProcess } from '../run/started-process.ts'
import { onLog } from './dev-definition.ts'
import { DevLog, type OutputLine } from './dev-log.ts'
import { type DevLines, type DevRequest, READY, UNREAD } from './dev-messages.ts'

/** What `dev` starts: the application on an embedded log of its own. */

const { file, partitions, stateDir, json, verbose } = JSON.parse(process.argv[2] ?? '{}') as DevRequest

await startedProcess({ json, verbose }, async ({ environment, report, run }) => {
  const definition = await loadApp(file, environment)
  const log = await DevLog.open(definition, partitions)
  let last: Promise<void> = Promise.resolve()
  process.on('message', (message) => {
    if (typeof message !== 'object' || message === null) return
    // In the order in which they come.
    last = last.then(() => take(message as DevLines)).catch((error: unknown) => report.failure(error))
  })
  const shown = show(log)
  const own = onLog(definition, { transport: log.transport, stateDir, logger: report.logger })
  const running = run(file, { definition: own, telemetry: undefined })
  process.send?.(READY)
  await running
  await shown

  /** What is no record is told, and the others go on. */
  async function take({ lines, topic, file: input }: DevLines): Promise<void> {
    for (const { line, error } of await log.write(lines, topic)) {
      await report.failure(input === undefined ? error : new UsageError(`Line ${line} of '${input}': ${failureLine(error)}`))
    }
  }

  async function show(of: DevLog): Promise<void> {
    for await (const output of of.outputs(partitions, environment.stop)) {
      await environment.stdout.write(`${lineOf(output)}\n`)
      if (environment.stdout.isClosed) return void process.send?.(UNREAD)
    }
  }
})

function lineOf({ topic, key, value }: OutputLine): string {
  if (json) return jsonText({ topic, key, value })
  return printable(`${topic}  ${shown(key)}  ${shown(value)}`)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : jsonText(value)
}
