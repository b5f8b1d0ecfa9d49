import { runMillrace } from './run-millrace.ts'

// Millrace, with a store in memory.
await runMillrace({ processors: 'batch', store: 'memory' })
