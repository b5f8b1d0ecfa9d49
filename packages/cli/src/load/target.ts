import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type AppDefinition, type ResolvedDefinition, type Transport, type TransportAdmin, validateDefinition } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import type { Command } from 'commander'
import type { Environment } from '../command-line/environment.ts'
import { UsageError } from '../command-line/errors.ts'
import type { CommonOptions, Report } from '../command-line/report.ts'
import { existingFile, loadApp } from './load-app.ts'

/** How a command is told what to work on: a module, or where Kafka is and how the application is called. */
export interface TargetOptions extends CommonOptions {
  readonly brokers?: string | undefined
  readonly clientConfig?: string | undefined
}

/** The application that a command works on. */
export interface Target {
  readonly transport: Transport
  readonly applicationId: string
  /** Undefined where no module was named. */
  readonly definition: ResolvedDefinition | undefined
  /** Where its local state is; undefined where nobody says: the module's is of its own Kafka, and not of another one. */
  readonly stateDir: string | undefined
}

/** Gives a command the options by which it finds Kafka without a module, or another Kafka than the module's. */
export function brokerOptions(command: Command): Command {
  return command
    .option('--brokers <addresses>', "host:port, several with commas; instead of the module's transport")
    .option(
      '--client-config <path>',
      "properties of the Kafka client for --brokers (security and so on), a line each, by librdkafka's names",
    )
}

/** As {@link brokerOptions}, with the module or the application's id. */
export function targetOptions(command: Command): Command {
  return brokerOptions(command.argument('[file]', 'module whose default export is the application')).option(
    '--application <id>',
    'its application id, without a module',
  )
}

const APPLICATION_ID = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,180}$/

/** What the command line names. Rejects with a {@link UsageError} that says what is missing or wrong. */
export async function targetOf(
  file: string | undefined,
  options: TargetOptions & { readonly application?: string | undefined },
  environment: Environment,
): Promise<Target> {
  const { application, brokers } = options
  const other = brokers === undefined ? undefined : kafkaAt(brokers, options, environment)
  if (file !== undefined) {
    if (application !== undefined) throw new UsageError('--application is what the module says: name one of the two.')
    const definition = resolved(file, await loadApp(file, environment), environment)
    const { transport, applicationId, stateDir } = definition
    return { transport: other ?? transport, applicationId, definition, stateDir: other === undefined ? stateDir : undefined }
  }
  if (other === undefined || application === undefined) {
    throw new UsageError('Name the module of the application, or --brokers and --application.')
  }
  if (!APPLICATION_ID.test(application)) {
    throw new UsageError(`'${application}' is no application id: it has 1 to 180 letters, digits, '.', '_' and '-'.`)
  }
  return { transport: other, applicationId: application, definition: undefined, stateDir: undefined }
}

/** Kafka as the command line names it. */
export function kafkaAt(brokers: string, { clientConfig }: TargetOptions, environment: Environment): Transport {
  return kafka({ brokers, ...(clientConfig !== undefined && { properties: propertiesIn(clientConfig, environment) }) })
}

/** Without threads: what is wrong with them keeps it from running, and nobody from looking. */
function resolved(file: string, definition: AppDefinition, environment: Environment): ResolvedDefinition {
  const { threads: _, ...others } = definition
  const result = validateDefinition(others, environment.variables)
  if (result._tag === 'Right') return result.right
  throw new UsageError(`The application of '${file}' can't be used: ${result.left.join(' ')}`)
}

function propertiesIn(path: string, environment: Environment): Readonly<Record<string, string>> {
  existingFile(path, environment)
  const lines = readFileSync(resolve(environment.folder, path), 'utf8').split(/\r?\n/)
  const properties: Record<string, string> = {}
  lines.forEach((line, i) => {
    if (/^\s*([#!].*)?$/.test(line)) return
    const match = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line)
    if (match === null) throw new UsageError(`Line ${i + 1} of '${path}' is no property: write name=value.`)
    properties[match[1] as string] = match[2] as string
  })
  return properties
}

/** Connects, for as long as `use` takes. */
export async function withAdmin<T>(transport: Transport, report: Report, use: (admin: TransportAdmin) => Promise<T>): Promise<T> {
  const admin = await transport.openAdmin({ logger: report.logger })
  try {
    return await use(admin)
  } finally {
    await admin.close()
  }
}
