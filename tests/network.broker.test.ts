import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { AppDefinition, ProcessingGuarantee } from 'millrace'
import { kafka } from 'millrace/kafka'
import { wrongs } from './support/check-traced.ts'
import { busiestThreadDuring } from './support/load.ts'
import type { Member } from './support/member.ts'
import { ownBroker } from './support/own-broker.ts'
import { SteadyInput } from './support/steady-input.ts'
import { TcpProxy } from '../tools/broker/tcp-proxy.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedApp } from './support/traced-app.ts'
import { TracedGroup } from './support/traced-group.ts'

const AWAY_MS = 30_000
/** Of which new connections are accepted, and then stand still like the others. */
const ACCEPTING_MS = 8_000
/** By then the client has given up connections on which nobody answers: before, a thread of its own may be busy. */
const SETTLED_MS = 4_000
/** Of one core. Who asks without waiting takes a whole one, however fast the machine is. */
const ACCEPTABLE_LOAD = 0.5
const CLOSE_LIMIT_MS = 60_000
const SESSION_MS = 6_000
/** Longer than the group's word on a membership counts. */
const STALE_MS = 1_500

interface Network {
  readonly brokers: string
  readonly proxy: TcpProxy
  readonly folder: string
}

function openGroup({ brokers, folder }: Network, name: string) {
  return TracedGroup.open({ brokers, sessionTimeoutMs: SESSION_MS, groupProtocol: 'classic', partitions: 2, folder: `${folder}/${name}` })
}

/** One application on that network, and nobody else in its group. */
async function alone(
  network: Network,
  fate: string,
  overrides: Partial<AppDefinition> & { readonly processingGuarantee: ProcessingGuarantee },
) {
  const { processingGuarantee } = overrides
  const name = `${fate}-${processingGuarantee}`
  const group = await openGroup(network, name)
  const open = () => TracedApp.start(group, kafka({ brokers: network.proxy.address }), overrides)
  await group.write(1_000)
  const traced = await open()
  await traced.app.caughtUp()
  const dispose = async () => {
    await traced[Symbol.asyncDispose]()
    await group[Symbol.asyncDispose]()
  }
  return { name, group, traced, open, processingGuarantee, [Symbol.asyncDispose]: dispose }
}

/** Two members, of which one is cut off: it stands at a step at which nothing that it knows is on its way to a changelog. */
async function pair(network: Network, processingGuarantee: ProcessingGuarantee) {
  const group = await openGroup(network, `pair-${processingGuarantee}`)
  const options = { processingGuarantee, deliveryTimeoutMs: SESSION_MS * 0.75 }
  const cutOff = group.start('cut-off', {
    ...options,
    brokers: network.proxy.address,
    signalAt: { step: 'before-write', afterCommits: 6, signal: 'SIGSTOP' },
  })
  const input = await SteadyInput.begin(group, network.brokers)
  let other: Member | undefined
  /** By a way that is not cut. */
  const takeOver = () => (other ??= group.start('other', options))
  const dispose = async () => {
    await input[Symbol.asyncDispose]()
    await cutOff[Symbol.asyncDispose]()
    await other?.[Symbol.asyncDispose]()
    await group[Symbol.asyncDispose]()
  }
  return { group, takeOver, cutOff, input, processingGuarantee, [Symbol.asyncDispose]: dispose }
}

test(
  'half a minute without a network: who is alone waits without spinning, can be closed meanwhile, and goes on; who has others is replaced, and does no harm when it is back',
  { timeout: 480_000 },
  async () => {
    await using folder = await temporaryFolder()
    await using proxy = await TcpProxy.open()
    await using broker = await ownBroker({ proxyPorts: [proxy.port] })
    proxy.forwardTo(broker.proxied[0])
    const network = { brokers: broker.brokers, proxy, folder: folder.path }

    const waits = (processingGuarantee: ProcessingGuarantee) => alone(network, 'waits', { processingGuarantee })
    const closes = (processingGuarantee: ProcessingGuarantee) => alone(network, 'closes', { processingGuarantee, revokeTimeoutMs: 3_000 })
    await using waitsAtLeastOnce = await waits('at-least-once')
    await using waitsExactlyOnce = await waits('exactly-once')
    const waiting = [waitsAtLeastOnce, waitsExactlyOnce]
    await using closesAtLeastOnce = await closes('at-least-once')
    await using closesExactlyOnce = await closes('exactly-once')
    const closing = [closesAtLeastOnce, closesExactlyOnce]
    await using atLeastOnce = await pair(network, 'at-least-once')
    await using exactlyOnce = await pair(network, 'exactly-once')
    const pairs = [atLeastOnce, exactlyOnce]
    await Promise.all(pairs.map(({ group, cutOff }) => group.signalled(cutOff, 'cut-off')))
    // In the midst of it: what is read now is not committed yet.
    await Promise.all([...waiting, ...closing].map(({ group }) => group.write(3_000)))
    proxy.standStill()
    const back = pause(AWAY_MS)
    await pause(STALE_MS)
    for (const { cutOff } of pairs) cutOff.signal('SIGCONT')
    const closed = closing.map(async ({ traced }) => {
      const since = performance.now()
      // It ends, well or not: what it could not commit is for the next run.
      await traced.app.close().catch(() => undefined)
      return performance.now() - since
    })
    const others = pairs.map(({ takeOver }) => takeOver())
    await pause(ACCEPTING_MS - STALE_MS)
    proxy.refuse()
    await pause(SETTLED_MS)
    const load = await busiestThreadDuring(AWAY_MS - ACCEPTING_MS - SETTLED_MS - 1_000)
    for (const other of others) {
      await other.until(({ tasks }) => tasks.size === 4)
      const { commits } = other
      await other.until((member) => member.commits > commits + 5)
    }
    await back
    for (const { traced } of waiting) expect(['running', 'rebalancing']).toContain(traced.app.state)
    for (const { group } of waiting) await group.write(200)
    await proxy.goOn()

    expect(load).toBeLessThan(ACCEPTABLE_LOAD)
    for (const { name, group, traced, processingGuarantee } of waiting) {
      await traced.finish()
      expect({ [name]: await wrongs(group, processingGuarantee) }).toEqual({ [name]: [] })
    }
    for (const [i, { name, group, open, traced, processingGuarantee }] of closing.entries()) {
      expect(await closed[i]).toBeLessThan(CLOSE_LIMIT_MS)
      await traced.running.catch(() => undefined)
      expect(['not-running', 'error']).toContain(traced.app.state)
      await using next = await open()
      await next.finish()
      expect({ [name]: await wrongs(group, processingGuarantee) }).toEqual({ [name]: [] })
    }
    for (const { group, takeOver, cutOff, input, processingGuarantee } of pairs) {
      const { commits } = cutOff
      // It is a member again, like any.
      await cutOff.until((member) => member.commits > commits)
      await input.stop()
      const other = takeOver()
      await other.ask('caughtUp')
      expect(await cutOff.close()).toBe(0)
      expect(await other.close()).toBe(0)
      expect({ [processingGuarantee]: await wrongs(group, processingGuarantee) }).toEqual({ [processingGuarantee]: [] })
    }
  },
)
