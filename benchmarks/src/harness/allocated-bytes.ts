import { GCProfiler, getHeapStatistics } from 'node:v8'
import { collectGarbage } from './collect-garbage.ts'

/**
 * Bytes that `work` allocates on V8's heap. Exact: what the heap grew by between each two collections, added up. Memory outside the heap (the
 * contents of array buffers of more than 64 bytes, of native code) is not in it: V8 gives it back while the program goes on, so that it can't
 * be told from what is allocated.
 */
export async function allocatedBytes(work: () => void | Promise<void>, prepare?: () => void): Promise<number> {
  collectGarbage()
  prepare?.()
  const profiler = new GCProfiler()
  profiler.start()
  const before = getHeapStatistics().used_heap_size
  await work()
  const after = getHeapStatistics().used_heap_size
  const { statistics } = profiler.stop()
  let bytes = 0
  let last = before
  for (const { beforeGC, afterGC } of statistics) {
    bytes += beforeGC.heapStatistics.usedHeapSize - last
    last = afterGC.heapStatistics.usedHeapSize
  }
  return bytes + after - last
}
