import { join } from 'node:path'
import { Batching } from '../batch/batching.ts'
import { Turns } from '../internal/turns.ts'
import { CarefulDelivery } from '../sink/careful-delivery.ts'
import { OutsideSinks } from '../sink/outside-sinks.ts'
import { TopicDirectory } from '../sink/topic-directory.ts'
import { ReadBuffer } from '../source/read-buffer.ts'
import { ClosingStores } from '../store/closing-stores.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import type { AppParts } from './local-app.ts'
import { writerOptions } from './writer-options.ts'

type Hooks = Pick<TaskEnvironment, 'emit' | 'output' | 'onProgress' | 'requestCommit' | 'onCommitted' | 'fail'>

/** What the tasks of an application share; `hooks`: what the application does for them itself. */
export function makeEnvironment({ definition, context, admin, plan, slot, thread }: AppParts, hooks: Hooks): TaskEnvironment {
  const directory = new TopicDirectory(admin)
  for (const [topic, count] of plan.partitions) directory.set(topic, count)
  return {
    definition,
    clock: definition.clock,
    logger: context.logger,
    admin,
    directory,
    deletionRetentions: plan.deletionRetentions,
    batching: new Batching(definition, plan.subTopologies),
    buffer: new ReadBuffer({ ...definition.buffer, memoryBudgetBytes: definition.batch.memoryBudgetBytes }),
    careful: new CarefulDelivery(
      () => definition.transport.openWriter(writerOptions(definition, slot, 'careful'), context),
      definition.processingGuarantee === 'exactly-once',
    ),
    outside: new OutsideSinks({
      nodes: definition.topology.nodes.filter((node) => node.kind === 'outside-sink'),
      applicationId: definition.applicationId,
      failure: definition.failure,
      clock: definition.clock,
      logger: context.logger,
      emit: hooks.emit,
      fail: hooks.fail,
      admin,
      directory,
      openWriter: () => definition.transport.openWriter({ clientId: `${definition.applicationId}-dead-letters` }, context),
    }),
    turns: new Turns(),
    storeFolder: (task, store) => join(slot.folder, task, store),
    closing: new ClosingStores(),
    holdTask: thread?.holdTask,
    ...hooks,
  }
}
