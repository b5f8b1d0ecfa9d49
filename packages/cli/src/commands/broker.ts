import type { Command } from 'commander'
import { command, type CommandHost, runs } from '../command-line/command.ts'
import type { Environment } from '../command-line/environment.ts'
import { UsageError } from '../command-line/errors.ts'
import { wholeNumber } from '../command-line/parse-values.ts'
import type { CommonOptions } from '../command-line/report.ts'

interface BrokerOptions extends CommonOptions {
  readonly nodes: number
  readonly port?: number
  readonly image?: string
}

/** What is used of `broker/broker.mjs`, which is plain JavaScript, since the tools of the repository run it before anything is built. */
interface BrokerModule {
  readonly openBroker: (
    options: {
      readonly nodes: number
      readonly port?: number
      readonly image?: string
      readonly longLived: true
      readonly say: (message: string) => void
    },
    variables: Environment['variables'],
  ) => Promise<{ readonly kind: string; readonly brokers: string; stop(): Promise<void> }>
}

/** `millrace broker`: a local Kafka to play with. */
export function brokerCommand(host: CommandHost): Command {
  const broker = command(
    'broker',
    'Start a Kafka to play with, print its address, and stop it on Ctrl-C, with all that is in it. By Docker and the package testcontainers, or else by Java 17 and Maven.',
    [
      'millrace broker',
      'millrace broker --port 9092',
      'millrace broker --nodes 3',
      'millrace broker --image docker.redpanda.com/redpandadata/redpanda',
    ],
  )
    .option('--nodes <count>', 'brokers in the cluster', wholeNumber(1), 1)
    .option('--port <port>', 'of the first one; the others follow. By default free ones', wholeNumber(1))
    .option('--image <image>', 'where Docker runs; by default apache/kafka')
  return runs<BrokerOptions>(
    broker,
    host,
    async ({ options: { nodes, port, image }, environment, report }) => {
      if (port !== undefined && port + nodes - 1 > 65_535) throw new UsageError(`--port is ${port}: use one that leaves room below 65536.`)
      const { openBroker } = (await import(new URL('../../broker/broker.mjs', import.meta.url).href)) as BrokerModule
      const opened = await openBroker(
        {
          ...{ nodes, longLived: true, say: (message) => void report.note(message) },
          ...(port !== undefined && { port }),
          ...(image !== undefined && { image }),
        },
        environment.variables,
      )
      await report.line({ brokers: opened.brokers, kind: opened.kind }, () => opened.brokers)
      // What listens for signals does not keep the process alive.
      const alive = setInterval(() => undefined, 1_000_000)
      await new Promise<void>((resolve) => {
        if (environment.stop.aborted) resolve()
        environment.stop.addEventListener('abort', () => resolve())
      })
      clearInterval(alive)
      await report.note('stopping')
      await opened.stop()
    },
    () => true,
  )
}
