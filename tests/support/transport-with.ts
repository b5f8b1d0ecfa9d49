import type { Transport } from '@millrace/core'

/** The same transport, of which some parts are opened otherwise. */
export function transportWith(transport: Transport, parts: Partial<Omit<Transport, 'name'>>): Transport {
  return {
    name: transport.name,
    openAdmin: (context) => transport.openAdmin(context),
    openSource: (options, context) => transport.openSource(options, context),
    openWriter: (options, context) => transport.openWriter(options, context),
    ...parts,
  }
}
