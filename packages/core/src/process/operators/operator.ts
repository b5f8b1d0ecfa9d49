import type { BatchProcessor, Processor } from '../processor.ts'

/** A stateless operator: the same outcome whether it is given batches or single records. */
export type Operator<KIn, VIn, KOut, VOut> = Processor<KIn, VIn, KOut, VOut> & BatchProcessor<KIn, VIn, KOut, VOut>
