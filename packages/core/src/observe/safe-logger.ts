import type { Logger } from './logger.ts'

/** The same logger, of which nothing is heard that it throws, or rejects with: what is told of work does not end it. */
export function safeLogger(logger: Logger): Logger {
  const guarded =
    (level: keyof Logger): Logger[keyof Logger] =>
    (fields, message) => {
      try {
        const answer: unknown = logger[level](fields, message)
        if (answer instanceof Promise) answer.catch(() => undefined)
      } catch {
        // There is nobody left to tell.
      }
    }
  return { debug: guarded('debug'), info: guarded('info'), warn: guarded('warn'), error: guarded('error') }
}
