import type { Transport, WriteBatch } from '@millrace/core'

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

/** The same transport, whose writers wait for `before` with each batch. */
export function transportThatWaits(transport: Transport, before: (batch: WriteBatch) => Promise<void> | undefined): Transport {
  return transportWith(transport, {
    openWriter: async (options, context) => {
      const writer = await transport.openWriter(options, context)
      const write = writer.writeBatch.bind(writer)
      writer.writeBatch = async (batch) => {
        await before(batch)
        return write(batch)
      }
      return writer
    },
  })
}
