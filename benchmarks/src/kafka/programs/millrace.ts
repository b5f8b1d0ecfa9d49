import { runMillrace } from './run-millrace.ts'

// Millrace, with processors that take batches.
await runMillrace({ processors: 'batch', store: 'leveldb' })
