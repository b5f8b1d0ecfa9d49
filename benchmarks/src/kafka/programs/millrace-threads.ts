import { runMillrace } from './run-millrace.ts'
import { CONFIG_VARIABLE, OWN_CLIENT } from './threaded-app.ts'

// Millrace on its own client, in two threads.
process.env[CONFIG_VARIABLE] = String(process.argv[2])
await runMillrace({ ...OWN_CLIENT, threads: { count: 2, module: new URL('threaded-app.js', import.meta.url), export: 'threadedApp' } })
