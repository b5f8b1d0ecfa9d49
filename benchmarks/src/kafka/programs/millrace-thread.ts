import { runMillrace } from './run-millrace.ts'
import { THREADED } from './threaded-app.ts'

// Millrace on its own client, in one thread: what several are held against.
await runMillrace(THREADED)
