import { hostname } from 'node:os'
import { UsageError } from '../command-line/errors.ts'
import type { ExportedTelemetry, LoadedApp } from '../load/load-app.ts'
import { packageOf } from '../load/typescript.ts'
import type { HttpAddress } from './instance-process.ts'

/** The part of `millrace/telemetry` that is used. */
interface TelemetryModule {
  readonly observed: (definition: LoadedApp['definition'], options: object) => ExportedTelemetry
}

/** Addresses at which a server listens to everybody, and nobody reaches it. */
const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** Has an application observed, and served over HTTP, by the telemetry of its own project. Throws a {@link UsageError} where the module does that itself. */
export async function withHttp(
  file: string,
  { definition, telemetry }: LoadedApp,
  { host, port, token }: HttpAddress & { readonly token: string | undefined },
): Promise<LoadedApp> {
  if (telemetry !== undefined)
    throw new UsageError('The module has its application observed itself: say there where its server listens, not with --http.')
  const theirs = packageOf(file, 'millrace/telemetry')
  if (theirs === undefined) throw new UsageError('--http needs millrace in the project of the module: npm install millrace.')
  const { observed } = (await import(theirs)) as TelemetryModule
  const advertise = EVERYWHERE.has(host) ? `${hostname()}:${port}` : true
  const own = observed(definition, { http: { host, port, advertise, ...(token !== undefined && { token }) } })
  return { definition: own.definition, telemetry: own }
}
