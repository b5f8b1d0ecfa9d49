import type { Logger } from '@millrace/core'

/** A logger of the user's that stops nothing: what it throws is dropped, since there is nobody to tell. */
export function steadyLogger(logger: Logger): Logger {
  const at = (level: keyof Logger) => (fields: object, message: string) => {
    try {
      logger[level](fields, message)
    } catch {
      // An event must settle whatever becomes of what is said of it.
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
