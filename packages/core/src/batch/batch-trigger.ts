/**
 * Why a batch was cut:
 * `records`: it has `size` records; `bytes`: it has `maxBytes`; `age`: its first record waited `timeoutMs`; `memory`: a memory budget is
 * spent; `demand`: the processor was free and the policy does not wait; `drain`: the application is stopping; `revoke`: the partition is
 * being taken away; `order`: another partition of the task has the next record by timestamp; `punctuate`: a stream-time punctuator is due
 * after its last record.
 */
export type BatchTrigger = 'records' | 'bytes' | 'age' | 'memory' | 'demand' | 'drain' | 'revoke' | 'order' | 'punctuate'
