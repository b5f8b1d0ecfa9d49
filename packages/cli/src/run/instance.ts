import { UsageError } from '../command-line/errors.ts'
import { loadApp } from '../load/load-app.ts'
import type { InstanceRequest } from './instance-process.ts'
import { startedProcess } from './started-process.ts'

/** What `run` starts: one process of an application, which ends when it is told to, or when who started it is gone. */

const request = JSON.parse(process.argv[2] ?? '{}') as InstanceRequest

await startedProcess(request.verbose, async ({ environment, run }) => {
  const definition = await loadApp(request.file, environment)
  if (definition.transport.name === 'memory' && request.instances > 1) {
    throw new UsageError('An embedded log belongs to one process: run it with one instance, or on Kafka.')
  }
  await run(request.file, definition)
})
