import type { Header, Headers } from '../batch/headers.ts'
import { DEAD_LETTER_STYLES, type DeadLetterStyle, OWN_HEADER_NAMES } from './dead-letter-styles.ts'
import type { FailedRecord, ResolvedDeadLetterOptions } from './failure-options.ts'
import { cappedUtf8 } from './header-text.ts'
import { classNameOf, messageOf, stackOf, withCauses } from './thrown-value.ts'

/** Bytes of UTF-8 of any text but the stack trace, at most. */
const MAX_TEXT_BYTES = 1_024

/**
 * The headers of a dead letter: those of the record, then those of the style, then ours (`millrace.stage`, `millrace.node`, `millrace.attempts`,
 * `millrace.batch.size` and `millrace.batch.index`). Of a record that is a dead letter already, the headers that say where it first came from
 * stay, all others of the style and of ours are replaced: however often it comes round, it does not grow. Never throws, whatever the error is.
 */
export function deadLetterHeaders(
  failure: FailedRecord,
  applicationId: string,
  options: Pick<ResolvedDeadLetterOptions, 'headerStyle' | 'maxStackBytes'>,
): Headers {
  const style = DEAD_LETTER_STYLES[options.headerStyle]
  const names = new Set([...OWN_HEADER_NAMES, ...style.origin, ...style.reason])
  return [
    ...failure.headers.filter(({ key }) => !names.has(key)),
    ...(earlierOrigin(failure.headers, style) ?? style.originOf(failure, applicationId)),
    ...style.reasonOf(failure, applicationId, thrownTexts(failure.error, options.maxStackBytes)),
    ...ownHeaders(failure),
  ]
}

/** Where the record came from when it became a dead letter for the first time; the first of each name, since others append. */
function earlierOrigin(headers: Headers, style: DeadLetterStyle): Header[] | undefined {
  const found = style.origin.map((name) => headers.find(({ key }) => key === name))
  return found[0] === undefined ? undefined : found.filter((header) => header !== undefined)
}

function thrownTexts(error: unknown, maxStackBytes: number) {
  const [, cause] = withCauses(error)
  const [className, message] = [classNameOf(error), messageOf(error)]
  return {
    className: cappedUtf8(className, MAX_TEXT_BYTES),
    causeName: cause === undefined ? undefined : cappedUtf8(classNameOf(cause), MAX_TEXT_BYTES),
    message: cappedUtf8(message, MAX_TEXT_BYTES),
    text: cappedUtf8(`${className}: ${message}`, MAX_TEXT_BYTES),
    stack: maxStackBytes === 0 ? undefined : cappedUtf8(stackOf(error), maxStackBytes),
  }
}

function ownHeaders({ stage, node, attempts, batchSize, index }: FailedRecord): Header[] {
  const values = [stage, node, attempts, batchSize, index]
  return OWN_HEADER_NAMES.map((key, i) => ({ key, value: cappedUtf8(String(values[i]), MAX_TEXT_BYTES) }))
}
