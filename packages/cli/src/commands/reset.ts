import { readFileSync } from 'node:fs'
import type { TransportAdmin } from '@millrace/core'
import { type Command, InvalidArgumentError } from 'commander'
import { command, type CommandHost, type Invocation, runs } from '../command-line/command.ts'
import { UsageError } from '../command-line/errors.ts'
import { moment, nameList, positiveNumber, wholeNumber } from '../command-line/parse-values.ts'
import type { Report } from '../command-line/report.ts'
import { existingFile } from '../load/load-app.ts'
import { targetOf, targetOptions, type TargetOptions, withAdmin } from '../load/target.ts'
import { executeReset, membersOf, stateInUse } from '../reset/execute-reset.ts'
import { checkThereIsSomething, planReset, type ResetPlan } from '../reset/plan-reset.ts'
import { durationMs, resetTo, type ResetToOptions } from '../reset/reset-to.ts'
import { resetText } from '../reset/reset-text.ts'

interface ResetOptions extends TargetOptions, ResetToOptions {
  readonly application?: string
  readonly inputTopics?: readonly string[]
  readonly internalTopics?: readonly string[]
  readonly stateDir?: string
  readonly execute?: boolean
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly forceWait: number
}

/** By default, of members of a group; who is alive is heard of within it. */
const SESSION_SECONDS = 45

/** `millrace reset`: what Kafka Streams' application reset tool does. */
export function resetCommand(host: CommandHost): Command {
  const reset = targetOptions(
    command(
      'reset',
      'Let an application begin anew: sets the offsets of its inputs, deletes its internal topics and its local state on this machine. Only says what it would do, unless --execute.',
      [
        'millrace reset src/app.ts',
        'millrace reset src/app.ts --execute',
        'millrace reset src/app.ts --to-datetime 2026-03-01T00:00:00Z --execute',
        'millrace reset src/app.ts --shift-by -1000 --input-topics orders --execute',
        'millrace reset --brokers kafka:9092 --application word-count --input-topics lines --internal-topics word-count-counts-changelog',
      ],
    ),
  )
    .option('--to-earliest', 'to the first records (default)')
    .option('--to-latest', 'to the ends')
    .option('--to-datetime <time>', 'to the first record at or after this time', moment)
    .option('--by-duration <duration>', 'to the first record of this last time, such as P7D or PT12H', duration)
    .option('--to-offset <offset>', 'to this offset', wholeNumber(0))
    .option('--shift-by <records>', 'so many records on, or back if negative', wholeNumber(Number.MIN_SAFE_INTEGER))
    .option('--from-file <path>', 'to what the lines topic,partition,offset of a file say; others are left')
    .option('--input-topics <names>', "only these; by default the module's", nameList)
    .option('--internal-topics <names>', "to delete besides the module's", nameList)
    .option('--state-dir <path>', "folder of local state; by default the module's")
    .option('--dry-run', 'only say what would be done (default)')
    .option('--execute', 'do it')
    .option('--force', 'put members out of the group that have not left it')
    .option('--force-wait <seconds>', 'how long to see whether they come back: as long as their session', positiveNumber, SESSION_SECONDS)
  return runs<ResetOptions>(reset, host, resetApplication, ({ execute }) => execute === true)
}

async function resetApplication({ args: [file], options, environment, report }: Invocation<ResetOptions>): Promise<void> {
  const { execute = false, dryRun = false, force = false, forceWait, inputTopics, internalTopics, stateDir, fromFile } = options
  if (execute && dryRun) throw new UsageError('Choose one of --dry-run and --execute.')
  const text = fromFile === undefined ? undefined : readFileSync(existingFile(fromFile, environment), 'utf8')
  const to = resetTo({ ...options, fromFile: text }, environment.clock.now())
  const target = await targetOf(file, options, environment)
  const request = { target, to, inputTopics, internalTopics, stateDir }
  checkThereIsSomething(request)
  await withAdmin(target.transport, report, async (admin) => {
    const plan = await planReset(admin, request)
    for (const note of plan.notes) await report.note(note)
    if (execute)
      await executeReset(admin, plan, { ...{ force, forceWaitMs: forceWait * 1_000 }, environment, say: (line) => report.note(line) })
    else await noteRunning(admin, plan, report)
    const { notes, stateDir: _, topics, ...told } = plan
    const value = { ...told, deletedTopics: topics.map(({ topic }) => topic), executed: execute, notes }
    await report.result(value, () => resetText(plan, execute, report.colors))
  })
}

/** What `--execute` would be refused for. */
async function noteRunning(admin: TransportAdmin, plan: ResetPlan, report: Report): Promise<void> {
  const isRunning = (await membersOf(admin, plan.applicationId)).length > 0 || (await stateInUse(plan)) !== undefined
  if (isRunning) await report.note('the application is running: stop it before it is reset')
}

function duration(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined) throw new InvalidArgumentError("Use a duration of ISO 8601, such as 'P7D' or 'PT12H30M'.")
  return ms
}
