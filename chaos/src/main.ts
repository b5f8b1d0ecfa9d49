import { writeFile } from 'node:fs/promises'
import { CommanderError } from 'commander'
import { parseArguments } from './command-line/parse-arguments.ts'
import { reportJson, reportText } from './report/report.ts'
import type { OpenBroker } from './run/broker.ts'
import { run } from './run/run.ts'

const GOOD = 0
const WRONG = 1
const CANNOT = 2

/** Runs the command; resolves to its exit code: 1 if something was found wrong, 2 if it could not be found out. `openBroker` starts a broker of our own, where none is given. */
export async function main(args: readonly string[], openBroker: OpenBroker): Promise<number> {
  try {
    const settings = parseArguments(args)
    if (settings === undefined) return GOOD
    const say = (line: string) => process.stdout.write(`${line}\n`)
    const result = await run(settings, { openBroker, say })
    say(reportText(result))
    if (settings.json !== undefined) await writeFile(settings.json, reportJson(result))
    return result.wrong.length === 0 ? GOOD : WRONG
  } catch (error) {
    const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error)
    process.stderr.write(`chaos: ${message}${error instanceof CommanderError ? ' See --help.' : ''}\n`)
    return CANNOT
  }
}
