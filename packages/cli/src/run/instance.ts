import { UsageError } from '../command-line/errors.ts'
import { loadModule } from '../load/load-app.ts'
import type { InstanceRequest } from './instance-process.ts'
import { withHttp } from './serve-http.ts'
import { startedProcess } from './started-process.ts'
import { inThreads } from './in-threads.ts'

/** What `run` starts: one process of an application, which ends when it is told to, or when who started it is gone. */

const request = JSON.parse(process.argv[2] ?? '{}') as InstanceRequest

await startedProcess(request, async ({ environment, run }) => {
  const loaded = await loadModule(request.file, environment)
  if (loaded.definition.transport.name === 'memory' && request.instances > 1) {
    throw new UsageError('An embedded log belongs to one process: run it with one instance, or on Kafka.')
  }
  const { file, http, threads } = request
  const token = environment.variables['MILLRACE_TOKEN']
  const served = http === undefined ? loaded : await withHttp(file, loaded, { ...http, token })
  await run(file, inThreads(file, served, threads))
})
