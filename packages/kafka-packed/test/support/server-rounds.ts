import { Cluster } from '../../src/cluster/cluster.ts'
import { Coordinator } from '../../src/cluster/coordinator.ts'
import { resolveGroupOptions } from '../../src/group/group-options.ts'
import type { RoundsMember } from '../../src/group/group-rounds.ts'
import { ServerRounds } from '../../src/group/server-rounds.ts'
import type { GroupOptions } from '../../src/index.ts'
import { WireBroker, type WireTopic } from './wire-broker.ts'
import { WireGroup } from './wire-group.ts'

export interface OpenedRounds extends AsyncDisposable {
  readonly broker: WireBroker
  readonly group: WireGroup
  readonly coordinator: Coordinator
  readonly rounds: ServerRounds
}

/** Rounds without a member's life around them. */
export async function roundsOf(
  topic: WireTopic,
  member: Partial<RoundsMember>,
  options: Partial<GroupOptions> = {},
): Promise<OpenedRounds> {
  const broker = await WireBroker.open(topic)
  const group = new WireGroup(broker)
  const resolved = resolveGroupOptions({ brokers: broker.brokers, groupId: 'g', groupProtocol: 'consumer', ...options })
  const cluster = new Cluster(resolved.connect, resolved.clock)
  const coordinator = new Coordinator(cluster, { type: 'group', name: 'g', clock: resolved.clock })
  const nothing = (): void => {}
  const rounds = new ServerRounds({
    cluster,
    coordinator,
    options: resolved,
    member: { owned: () => [], inUse: () => undefined, toldEpoch: () => 0, ...member },
    events: {
      onJoining: nothing,
      onJoined: nothing,
      onLeading: nothing,
      onStandbys: nothing,
      onRefused: nothing,
      onChanged: nothing,
      onSettled: nothing,
    },
  })
  rounds.topics = [topic.name]
  await cluster.refresh()
  return {
    broker,
    group,
    coordinator,
    rounds,
    [Symbol.asyncDispose]: async () => {
      cluster.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}
