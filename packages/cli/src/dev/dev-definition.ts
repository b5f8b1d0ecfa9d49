import type { AppDefinition } from '@millrace/core'

/** An application as it is while it is being written: on an embedded log, which belongs to one thread. */
export function onLog(
  definition: AppDefinition,
  { transport, stateDir, logger }: Required<Pick<AppDefinition, 'transport' | 'stateDir' | 'logger'>>,
): AppDefinition {
  return { ...definition, transport, stateDir, logger: definition.logger ?? logger, threads: 1 }
}
