import { type Command, Option } from 'commander'
import { command, type CommandHost, runs } from '../command-line/command.ts'
import type { CommonOptions } from '../command-line/report.ts'
import { topologyJson } from '../describe/topology-json.ts'
import { loadApp } from '../load/load-app.ts'

interface DescribeOptions extends CommonOptions {
  readonly format: 'text' | 'mermaid'
}

/** `millrace describe`: what an application is made of. Connects to nothing. */
export function describeCommand(host: CommandHost): Command {
  const described = command('describe', 'Print the topology of an application.', [
    'millrace describe src/app.ts',
    'millrace describe src/app.ts --format mermaid > topology.mmd',
    "millrace describe src/app.ts --json | jq '.subTopologies[].stores'",
  ])
    .argument('<file>', 'module whose default export is the application')
    .addOption(new Option('--format <format>', "Kafka Streams' text, or a Mermaid flowchart").choices(['text', 'mermaid']).default('text'))
  return runs<DescribeOptions>(described, host, async ({ args: [file = ''], options, environment, report }) => {
    const { topology, applicationId } = await loadApp(file, environment)
    await report.result(topologyJson(topology, applicationId), () => topology.describe(options.format))
  })
}
