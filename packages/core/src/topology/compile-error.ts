import type { RecordBatch } from '../batch/record-batch.ts'
import type { StreamRecord } from '../batch/stream-record.ts'
import type { Ordering } from '../process/concurrency.ts'
import type { ProcessorContext } from '../process/processor-context.ts'

/** Stands where types don't fit, so that the compiler's message has a sentence in it. No value has this type. */
export interface CompileError<Sentence extends string> {
  readonly __doesNotFit: Sentence
}

type BatchMethod = { readonly processBatch: (...parameters: never[]) => unknown }
type RecordMethod = { readonly process: (...parameters: never[]) => unknown }
type AnyFunction = (...parameters: never[]) => unknown

/** The method that the engine would call. */
type MethodOf<P> = P extends BatchMethod ? P['processBatch'] : P extends RecordMethod ? P['process'] : P extends AnyFunction ? P : never

type InputOf<Method> = Method extends (input: infer Input, ...rest: never[]) => unknown ? Input : never
type ContextOf<Method> = Method extends (input: never, context: infer Context, ...rest: never[]) => unknown ? Context : never

type KeyIn<Input> = Input extends RecordBatch<infer K, infer _V> ? K : Input extends StreamRecord<infer K, infer _V> ? K : unknown
type ValueIn<Input> = Input extends RecordBatch<infer _K, infer V> ? V : Input extends StreamRecord<infer _K, infer V> ? V : unknown

/** The key type a processor forwards. */
export type KeyOut<P> = ContextOf<MethodOf<P>> extends ProcessorContext<infer K, infer _V, infer _O> ? K : never
/** The value type a processor forwards. */
export type ValueOut<P> = ContextOf<MethodOf<P>> extends ProcessorContext<infer _K, infer V, infer _O> ? V : never
/** The named outputs a processor forwards to. */
type OutputsOf<P> = ContextOf<MethodOf<P>> extends ProcessorContext<infer _K, infer _V, infer O> ? O : Record<never, never>

type CheckProcessor<P, K, V, Outputs> = [MethodOf<P>] extends [never]
  ? CompileError<'This is no processor: it has neither process nor processBatch.'>
  : [K] extends [KeyIn<InputOf<MethodOf<P>>>]
    ? [V] extends [ValueIn<InputOf<MethodOf<P>>>]
      ? [Outputs] extends [OutputsOf<P>]
        ? unknown
        : CompileError<'This processor forwards to named outputs that are not declared with it.'>
      : CompileError<'This processor reads values of another type than the stream carries.'>
    : CompileError<'This processor reads keys of another type than the stream carries.'>

/** The processor in what `process` was given: what a factory makes, or the function itself. */
export type ProcessorIn<Given> = Given extends { readonly create: () => infer P } ? P : Given extends AnyFunction ? Given : never

/** The named outputs declared with it. */
export type OutputsIn<Given, Otherwise> = Given extends { readonly outputs: infer Outputs } ? Outputs : Otherwise

/** `unknown` if what is given fits behind a stream of keys `K` and values `V`, else a sentence. */
export type CheckGiven<Given, K, V, Outputs> = [ProcessorIn<Given>] extends [never]
  ? CompileError<'Give a function or a factory: { create: () => new MyProcessor() }.'>
  : CheckProcessor<ProcessorIn<Given>, K, V, OutputsIn<Given, Outputs>> & CheckOrdering<Given>

type CheckOrdering<Given> = Given extends { readonly ordering: infer O }
  ? [O] extends [Ordering | undefined]
    ? unknown
    : CompileError<"There is no such ordering: use 'partition', 'key' or 'unordered'.">
  : unknown

/** As `CheckGiven`, of a function that processes batches. */
export type CheckBatchFunction<F, K, V, Outputs> = F extends AnyFunction
  ? CheckProcessor<{ readonly processBatch: F }, K, V, Outputs>
  : CompileError<'Give a function that takes a batch.'>

/** `unknown` if a store can hold counts, else a sentence. */
export type CheckCounts<Count> = [number] extends [Count]
  ? [Count] extends [number]
    ? unknown
    : CompileError<'This store holds values of another type than counts, which are numbers.'>
  : CompileError<'This store holds values of another type than counts, which are numbers.'>

/** `unknown` if serdes for `KSerde` and `VSerde` can write keys `K` and values `V`, else a sentence. */
export type CheckSerdes<K, V, KSerde, VSerde> = [K] extends [KSerde]
  ? [V] extends [VSerde]
    ? unknown
    : CompileError<'The value serde takes another type than the stream carries.'>
  : CompileError<'The key serde takes another type than the stream carries.'>
