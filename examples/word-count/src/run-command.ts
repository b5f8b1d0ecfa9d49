import { pino } from 'pino'
import { failureLine } from './command-line/failure-line.ts'
import { parseArguments } from './command-line/parse-arguments.ts'
import { print } from './command-line/print.ts'
import { StopSignals } from './command-line/stop-signals.ts'
import { UsageError } from './command-line/usage-error.ts'
import { resultJson } from './result/result-json.ts'
import { resultTable } from './result/result-table.ts'
import { countEmbedded } from './run/count-embedded.ts'
import { countOnKafka } from './run/count-on-kafka.ts'

const FAILURE = 1
const USAGE = 2
const STANDARD_ERROR = 2

/** Does what the arguments ask for. Resolves with the exit code: 0 when it is done, 1 when it failed, 2 when it was asked wrongly. */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    const request = parseArguments(args)
    if (request.kind === 'help') {
      await print(request.text)
      return 0
    }
    const { settings } = request
    using signals = new StopSignals()
    // Whatever ends the program is told in one line of its own: the log is for who wants to see how it came to that.
    const logger = pino({ level: settings.verbose ? 'info' : 'silent' }, pino.destination({ dest: STANDARD_ERROR, sync: true }))
    const count = settings.brokers === undefined ? countEmbedded : countOnKafka
    const result = await count({ settings, logger, stop: signals.requested, say })
    await print(settings.json ? resultJson(result) : resultTable(result))
    return 0
  } catch (error) {
    const isUsage = error instanceof UsageError
    say(isUsage ? `${failureLine(error).replace(/\.?$/, '.')} See --help.` : failureLine(error))
    return isUsage ? USAGE : FAILURE
  }
}

function say(line: string): void {
  process.stderr.write(`word-count: ${line}\n`)
}
