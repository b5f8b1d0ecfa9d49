import type { IsolationLevel } from '@millrace/core'
import { applicationTopics } from '@millrace/runtime'
import { type Command, Option } from 'commander'
import { command, type CommandHost, type Invocation, runs } from '../command-line/command.ts'
import { wait } from '../command-line/environment.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { nameList, positiveNumber, wholeNumber } from '../command-line/parse-values.ts'
import { lagText } from '../lag/lag-text.ts'
import { isWithin, type LagQuestion, measureLag } from '../lag/measure-lag.ts'
import { type Target, targetOf, targetOptions, type TargetOptions, withAdmin } from '../load/target.ts'

interface LagOptions extends TargetOptions {
  readonly application?: string
  readonly topics?: readonly string[]
  readonly isolation?: IsolationLevel
  readonly max?: number
  readonly watch?: number
}

/** Puts a terminal's cursor to its beginning, and clears what was there. */
const CLEAR = '\u001b[H\u001b[2J'

/** `millrace lag`: how far an application is behind. */
export function lagCommand(host: CommandHost): Command {
  const lag = targetOptions(
    command('lag', 'Show how far an application is behind, by partition: from what its group has committed to the ends of its inputs.', [
      'millrace lag src/app.ts',
      'millrace lag --brokers kafka:9092 --application word-count',
      'millrace lag src/app.ts --watch 5',
      'millrace lag src/app.ts --max 10000 || echo "too far behind"',
    ]),
  )
    .option('--topics <names>', "only these; by default the module's inputs, or all that the group has committed", nameList)
    .addOption(
      new Option('--isolation <level>', "which end counts; by default what the module's guarantee reads, or read-committed").choices([
        'read-committed',
        'read-uncommitted',
      ]),
    )
    .option(
      '--max <records>',
      `end with ${EXIT.negative} if a partition is further behind, or there is nothing to be looked at`,
      wholeNumber(0),
    )
    .option('--watch <seconds>', 'again and again; with --max, until that is exceeded', positiveNumber)
  return runs<LagOptions>(lag, host, showLag, ({ watch }) => watch !== undefined)
}

async function showLag({ args: [file], options, environment, report }: Invocation<LagOptions>): Promise<number> {
  const target = await targetOf(file, options, environment)
  return withAdmin(target.transport, report, async (admin) => {
    for (;;) {
      const measured = await measureLag(admin, questionOf(target, options))
      for (const topic of measured.missing) await report.note(`topic '${topic}' does not exist`)
      const text = () => lagText(measured, report.colors)
      const exceeded = options.max !== undefined && !isWithin(measured, options.max)
      if (options.watch === undefined) await report.result(measured, text)
      else await report.line(measured, () => `${environment.stdout.isTerminal ? CLEAR : ''}${text()}`)
      if (exceeded) return EXIT.negative
      if (options.watch === undefined || environment.stdout.isClosed) return EXIT.done
      await wait(options.watch * 1_000, environment)
      if (environment.stop.aborted) return EXIT.done
    }
  })
}

function questionOf({ applicationId, definition }: Target, { topics, isolation }: LagOptions): LagQuestion {
  const own = definition && applicationTopics(definition.topology, applicationId)
  const guarantee = definition?.processingGuarantee ?? 'exactly-once'
  return {
    group: applicationId,
    topics: topics ?? (own && [...own.inputs, ...own.repartitions]),
    isolation: isolation ?? (guarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'),
  }
}
