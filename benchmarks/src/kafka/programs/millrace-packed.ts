import { OWN_CLIENT } from './threaded-app.ts'
import { runMillrace } from './run-millrace.ts'

// Millrace on its own client, with processors that take batches.
await runMillrace(OWN_CLIENT)
