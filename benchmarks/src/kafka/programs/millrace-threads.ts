import { runMillrace } from './run-millrace.ts'
import { CONFIG_VARIABLE, THREADED } from './threaded-app.ts'

// Millrace on its own client, in two threads.
process.env[CONFIG_VARIABLE] = String(process.argv[2])
await runMillrace({ ...THREADED, threads: { count: 2, module: new URL('threaded-app.js', import.meta.url), export: 'threadedApp' } })
