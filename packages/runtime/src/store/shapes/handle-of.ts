import type { AnyStoreDefinition, StoreBackend, WindowStoreDefinition } from '@millrace/core'
import { CommittedView } from '../layers/committed-view.ts'
import { guardedScan } from '../layers/guarded-scan.ts'
import { BatchStoreHandle, type HandleAccess, StoreHandle } from '../layers/store-handle.ts'
import { CommittedWindows } from './committed-windows.ts'
import type { ObservedTime } from './observed-time.ts'
import type { WindowLayout } from './window-layout.ts'
import { WindowReads } from './window-reads.ts'
import { BatchSessionHandle, BatchWindowHandle, SessionHandle, WindowHandle } from './windowed-handle.ts'

/** A store of windows: how its rows lie, and how far its time is. */
export interface Windowed {
  readonly windows: WindowLayout
  readonly time: ObservedTime
}

/** What processors get of a store: a `KeyValueStore`, a `WindowStore` or a `SessionStore`, without `get` over a backend that answers later. */
export function handleOf(definition: AnyStoreDefinition, access: HandleAccess, windowed: Windowed | undefined): unknown {
  const rows = definition.access === 'sync' ? new StoreHandle(access) : new BatchStoreHandle(access)
  if (windowed === undefined) return rows
  const { windows, time } = windowed
  const { name, codec, guard, layers } = access
  const reads = new WindowReads({
    name,
    codec,
    windows,
    time,
    now: () => {
      guard()
      return time.now
    },
    scan: (range, pageSize) => guardedScan(layers.scan(range, pageSize), guard),
  })
  const parts = { windows, time, reads }
  if (definition.shape === 'session')
    return rows instanceof StoreHandle ? new SessionHandle({ ...parts, rows }) : new BatchSessionHandle({ ...parts, rows })
  const { windowSizeMs } = definition as WindowStoreDefinition<unknown, unknown>
  return rows instanceof StoreHandle
    ? new WindowHandle({ ...parts, rows }, windowSizeMs)
    : new BatchWindowHandle({ ...parts, rows }, windowSizeMs)
}

/** What others get of it: committed state. */
export function committedOf({ name, codec }: Pick<HandleAccess, 'name' | 'codec'>, backend: StoreBackend, windowed: Windowed | undefined) {
  return windowed === undefined ? new CommittedView(name, codec, backend) : new CommittedWindows({ name, codec, backend, ...windowed })
}
