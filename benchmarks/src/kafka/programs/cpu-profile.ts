import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'

const INTERVAL_US = 200

/** Profiles this process from now on; the function that is returned writes what was found. */
export function profileInto(file: string): () => void {
  const session = new Session()
  session.connect()
  // Within a process the answers come before the calls return.
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
  session.post('Profiler.start')
  return () => {
    session.post('Profiler.stop', (error, answer) => {
      if (error !== null) throw error
      writeFileSync(file, JSON.stringify(answer.profile))
    })
    session.disconnect()
  }
}
