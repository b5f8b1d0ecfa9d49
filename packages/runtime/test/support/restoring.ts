import {
  type AnyStoreDefinition,
  type Clock,
  defineKeyValueStore,
  type KeyValueStoreDefinition,
  type Logger,
  ManualClock,
  type RestoreEvent,
  type RuntimeEvent,
  serdes,
  serializeColumn,
  silentLogger,
  type StandbyEvent,
  type StoreBackend,
  TopologyBuilder,
  type TransportAdmin,
  type WriteBatch,
} from '@millrace/core'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { memory, type MemoryFaults, type MemoryOperation, type MemoryTransport } from '@millrace/transport-memory'
import { Turns } from '../../src/internal/turns.ts'
import { resolveDefinition } from '../../src/app/resolve-definition.ts'
import { Batching } from '../../src/batch/batching.ts'
import { CarefulDelivery } from '../../src/sink/careful-delivery.ts'
import { OutsideSinks } from '../../src/sink/outside-sinks.ts'
import { TopicDirectory } from '../../src/sink/topic-directory.ts'
import { ReadBuffer } from '../../src/source/read-buffer.ts'
import { Standbys } from '../../src/standby/standbys.ts'
import { ClosingStores } from '../../src/store/closing-stores.ts'
import { restoreStores } from '../../src/store/restore.ts'
import { TaskStores } from '../../src/store/task-stores.ts'
import type { TaskEnvironment } from '../../src/task/task-environment.ts'

const context = { logger: silentLogger }
const text = { key: serdes.string, value: serdes.string }

/** What a key is set to; `null` deletes. */
export type Change = readonly [key: string, value: string | null]

/** What outlives a process: the rows of a store, with its metadata. */
export class Disk {
  #backend = new MemoryStoreBackend()
  /** Called before each write: what it throws or rejects with keeps the write from taking effect. */
  beforeWrite: (changes: number) => void | Promise<void> = () => undefined
  writes = 0
  /** How many are open at present. */
  opened = 0
  /** Called before each opening, which it may fail. */
  beforeOpen: () => void = () => undefined

  readonly open = async (): Promise<StoreBackend> => {
    this.beforeOpen()
    const backend = this.#backend
    let isOpen = true
    this.opened++
    const close = async () => {
      if (isOpen) this.opened--
      isOpen = false
    }
    return {
      capabilities: { access: 'sync', persistent: true },
      get: (key) => backend.get(key),
      getMany: (keys) => backend.getMany(keys),
      metadata: () => backend.metadata(),
      scan: (range, pageSize) => backend.scan(range, pageSize),
      approximateSize: () => backend.approximateSize(),
      close,
      [Symbol.asyncDispose]: close,
      write: async (changes, metadata) => {
        await this.beforeWrite(changes.length)
        await backend.write(changes, metadata)
        this.writes++
      },
    }
  }

  /** Stands for a folder that is given another name. */
  setAside(): void {
    this.#backend = new MemoryStoreBackend()
  }

  /** What it says of itself. */
  async metadata(): Promise<Readonly<Record<string, unknown>>> {
    const bytes = await this.#backend.metadata()
    return bytes === undefined ? {} : (JSON.parse(Buffer.from(bytes).toString()) as Readonly<Record<string, unknown>>)
  }

  async rows(): Promise<Map<string, string>> {
    const rows = new Map<string, string>()
    for await (const page of this.#backend.scan({}, 1_000)) {
      for (const [key, value] of page) rows.set(Buffer.from(key).toString(), Buffer.from(value).toString())
    }
    return rows
  }
}

interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface RestoringOptions {
  /** The task that each store is of. Default: a store `kept` of task `0_0`. */
  readonly stores?: Readonly<Record<string, string>>
  readonly faults?: MemoryFaults
  readonly processingGuarantee?: 'at-least-once' | 'exactly-once'
  readonly clock?: Clock
  /** Old brokers know none. Default: true. */
  readonly topicIds?: boolean
  /** Of changelogs. Default: not known. */
  readonly deletionRetentions?: ReadonlyMap<string, number>
  /** Of applications in threads. Default: nobody else could have them. */
  readonly holdTask?: TaskEnvironment['holdTask']
}

/** Changelogs in an embedded log, and the stores that are restored from them. */
export class Restoring implements AsyncDisposable {
  readonly transport: MemoryTransport
  readonly admin: TransportAdmin
  readonly clock: Clock
  readonly disks: ReadonlyMap<string, Disk>
  readonly events: RestoreEvent[] = []
  readonly standbyEvents: StandbyEvent[] = []
  readonly lines: LogLine[] = []
  readonly #environment: TaskEnvironment
  readonly #stores: Readonly<Record<string, string>>
  readonly #definitions: ReadonlyMap<string, KeyValueStoreDefinition<string, string>>

  private constructor(transport: MemoryTransport, admin: TransportAdmin, options: RestoringOptions) {
    const { stores = { kept: '0_0' }, processingGuarantee = 'at-least-once', clock = new ManualClock() } = options
    this.transport = transport
    this.admin = admin
    this.clock = clock
    this.#stores = stores
    const names = Object.keys(stores)
    const disks = new Map(names.map((name) => [name, new Disk()]))
    this.disks = disks
    this.#definitions = new Map(
      names.map((name) => [name, defineKeyValueStore({ name, ...text, access: 'sync', open: (disks.get(name) as Disk).open })]),
    )
    const builder = new TopologyBuilder('restoring')
    builder.source('in', { topics: ['in'], ...text }).peek('nothing', () => undefined)
    const line =
      (level: LogLine['level']): Logger['info'] =>
      (fields, message) => {
        this.lines.push({ level, message, fields: { ...fields } })
        if (message.includes('was set aside')) disks.get(String((fields as Readonly<Record<string, unknown>>)['store']))?.setAside()
      }
    const definition = { ...resolveDefinition({ topology: builder.build(), applicationId: 'app', transport }), processingGuarantee }
    this.#environment = {
      definition,
      batching: new Batching(definition, []),
      buffer: new ReadBuffer({ ...definition.buffer, memoryBudgetBytes: definition.batch.memoryBudgetBytes }),
      clock,
      logger: { debug: () => undefined, info: line('info'), warn: line('warn'), error: line('error') },
      emit: (event: RuntimeEvent) => {
        if (event.type === 'restore') this.events.push(event)
        else if (event.type === 'standby') this.standbyEvents.push(event)
      },
      admin,
      directory: new TopicDirectory(admin),
      deletionRetentions: options.deletionRetentions ?? new Map(),
      careful: new CarefulDelivery(() => Promise.reject(new Error('nothing is written')), false),
      turns: new Turns(),
      outside: new OutsideSinks({
        ...{ nodes: [], applicationId: 'app', failure: definition.failure, clock, logger: silentLogger, emit: undefined, admin },
        directory: new TopicDirectory(admin),
        openWriter: () => Promise.reject(new Error('nothing is written')),
        fail: () => undefined,
      }),
      output: () => {
        throw new Error('nothing is written')
      },
      holdTask: options.holdTask,
      closing: new ClosingStores(),
      storeFolder: (task, store) => `nowhere/${task}/${store}`,
      onProgress: () => undefined,
      requestCommit: () => undefined,
      onCommitted: () => undefined,
      fail: (error) => {
        throw error
      },
    }
  }

  static async open(options: RestoringOptions = {}): Promise<Restoring> {
    const transport = memory({ scrubReleased: true, faults: options.faults })
    const admin = await transport.openAdmin(context)
    const describe = admin.describeTopics.bind(admin)
    if (options.topicIds === false) {
      admin.describeTopics = async (topics) => (await describe(topics)).map(({ topic, partitions }) => ({ topic, partitions }))
    }
    const restoring = new Restoring(transport, admin, options)
    for (const name of restoring.#definitions.keys()) await admin.createTopics([{ topic: restoring.changelogOf(name), partitions: 1 }])
    return restoring
  }

  changelogOf(store: string): string {
    return `app-${store}-changelog`
  }

  /** Of the stores. */
  get definitions(): readonly AnyStoreDefinition[] {
    return [...this.#definitions.values()]
  }

  /** The only disk there is. */
  get disk(): Disk {
    const [disk] = this.disks.values()
    return disk as Disk
  }

  get phases(): string[] {
    return this.events.map(({ store, phase }) => `${store} ${phase}`)
  }

  async write(changes: readonly Change[], store = 'kept'): Promise<void> {
    const writer = await this.transport.openWriter({ clientId: 'test' }, context)
    await writer.writeBatch(this.#batchOf(changes, store))
    await writer.flush()
    await writer.close()
  }

  #batchOf(changes: readonly Change[], store: string): WriteBatch {
    return {
      topic: this.changelogOf(store),
      length: changes.length,
      keys: serializeColumn(
        serdes.string,
        changes.map(([key]) => key),
      ),
      values: serializeColumn(
        serdes.nullable(serdes.string),
        changes.map(([, value]) => value),
      ),
      timestamps: new Float64Array(changes.length),
      partitions: new Int32Array(changes.length),
    }
  }

  /** Writes to the changelog of a store of that name, in one transaction. */
  async writeInTransaction(changes: readonly Change[], outcome: 'commit' | 'abort', store = 'kept'): Promise<void> {
    const writer = await this.transport.openWriter({ clientId: 'test', transactionalId: 'test' }, context)
    await writer.begin()
    await writer.writeBatch(this.#batchOf(changes, store))
    await writer.flush()
    await writer[outcome]()
    await writer.close()
  }

  /** The stores of one task, not opened yet. */
  storesOf(task: string, definitions: readonly AnyStoreDefinition[]): TaskStores {
    return new TaskStores(this.#environment, task, 0, definitions)
  }

  /** As a process does it that has just been started, with what it finds on the disks. */
  async restore(options: { readonly signal?: AbortSignal; readonly onRestored?: (tasks: readonly string[]) => void } = {}): Promise<void> {
    const tasks: { id: string; stores: TaskStores }[] = []
    for (const id of new Set(Object.values(this.#stores))) {
      const definitions = [...this.#definitions.values()].filter(({ name }) => this.#stores[name] === id)
      const stores = this.storesOf(id, definitions)
      await stores.open([])
      tasks.push({ id, stores })
    }
    const { signal = new AbortController().signal, onRestored = () => undefined } = options
    await restoreStores({ tasks, environment: this.#environment, transport: this.transport, context, signal, onRestored })
  }

  /** What follows the tasks, each of a sub-topology of its own. */
  standbys(hasToWait: () => boolean = () => false, arePlaced = false): Standbys {
    const ids = [...new Set(Object.values(this.#stores))]
    const subTopologies = ids.map((id) => {
      const stores = [...this.#definitions.values()].filter(({ name }) => this.#stores[name] === id)
      return { subTopology: { index: Number(id.slice(0, -2)), nodes: [], stores, singleRecord: undefined }, inputs: [], partitions: 1 }
    })
    const plan = {
      subTopologies,
      subscription: [],
      coLocate: false,
      repartitions: new Set<string>(),
      partitions: new Map<string, number>(),
      deletionRetentions: new Map<string, number>(),
    }
    return new Standbys({ environment: this.#environment, transport: this.transport, context, plan, hasToWait, arePlaced })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close()
  }
}

/** Whether an operation is that of the source which reads changelogs. */
export function isRestore(type: 'poll' | 'open-source', operation: MemoryOperation): boolean {
  return operation.type === type && 'clientId' in operation && operation.clientId === 'app-restore'
}

/** Whether an operation is that of the source which follows changelogs. */
export function isStandby(type: 'poll' | 'open-source', operation: MemoryOperation): boolean {
  return operation.type === type && 'clientId' in operation && operation.clientId === 'app-standby'
}

/** What changes come to. */
export function modelOf(changes: readonly Change[]): Map<string, string> {
  const model = new Map<string, string>()
  for (const [key, value] of changes) {
    if (value === null) model.delete(key)
    else model.set(key, value)
  }
  return model
}

/** `count` changes of few keys, some of them deletions. */
export function someChanges(count: number, keys = 50): Change[] {
  return Array.from({ length: count }, (_, i) => [`key ${(i * 7_919) % keys}`, i % 5 === 3 ? null : `value ${i}`] as const)
}
