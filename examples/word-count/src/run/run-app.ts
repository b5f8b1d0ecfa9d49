import { type App, type AppDefinition, start } from 'millrace'
import { aborted } from './aborted.ts'
import { within } from './time-limit.ts'

/** Looking up and creating topics, taking a state folder. */
const START_LIMIT_MS = 25_000
/** Finishing passes, flushing, the last commit, leaving the group. */
const DRAIN_LIMIT_MS = 25_000

export interface RunAppOptions {
  readonly definition: AppDefinition
  /** Drains the application once it is aborted. */
  readonly stop: AbortSignal
  /** What there is to do while it runs: when this resolves the application is drained. */
  readonly work: (app: App) => Promise<void>
}

/** Runs an application until its work is done or a stop is asked for, and drains it. Resolves with the seconds it took. */
export async function runApp({ definition, stop, work }: RunAppOptions): Promise<number> {
  const app = await within(START_LIMIT_MS, 'Starting the application', start(definition))
  const began = performance.now()
  const running = app.run()
  const working = work(app)
  try {
    await Promise.race([running, working, aborted(stop)])
  } catch (error) {
    // The error that comes first is the one to tell; closing only repeats it.
    await close(app).catch(() => undefined)
    throw error
  }
  await close(app)
  const seconds = Math.round(performance.now() - began) / 1_000
  // After a stop the work ends too: with what it has done, or because there is no application to wait for any more.
  await within(DRAIN_LIMIT_MS, 'Ending the work', Promise.allSettled([working]))
  return seconds
}

function close(app: App): Promise<void> {
  return within(DRAIN_LIMIT_MS, 'Draining the application', app.close())
}
