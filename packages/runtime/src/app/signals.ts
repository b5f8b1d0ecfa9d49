import type { AppState, Logger } from '@millrace/core'

interface Closable {
  close(): Promise<void>
  onStateChange(listener: (to: AppState) => void): () => void
}

/** Drains and stops on SIGINT and SIGTERM; the handlers go away with the application, so that a second signal while it drains ends the process. */
export function handleSignals(app: Closable, logger: Logger): void {
  const stop = (signal: NodeJS.Signals) => {
    remove()
    logger.info({ signal }, 'draining because of a signal')
    // run() reports what goes wrong.
    app.close().catch(() => undefined)
  }
  const remove = () => {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  app.onStateChange((to) => {
    if (to === 'not-running' || to === 'error') remove()
  })
}
