import { runMillrace } from './run-millrace.ts'

// Millrace, with processors that know single records.
await runMillrace({ processors: 'single', store: 'leveldb' })
