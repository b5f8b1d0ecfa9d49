/** The last so many. */
const MOST = 30
const MOST_CHARACTERS = 400
/** As pino numbers them. */
const ERROR = 50

/** The last errors in what workers logged: lines of level error and above, and what is no line of a log, such as the stack of an error that nobody caught. */
export function complaintsIn(log: string): string[] {
  const lines = log.split('\n').filter((line) => line !== '' && isComplaint(line))
  return lines.slice(-MOST).map((line) => (line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}...` : line))
}

function isComplaint(line: string): boolean {
  try {
    const { level } = JSON.parse(line) as { level?: unknown }
    return typeof level !== 'number' || level >= ERROR
  } catch {
    return true
  }
}
