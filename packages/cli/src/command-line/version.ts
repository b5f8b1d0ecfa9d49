import { createRequire } from 'node:module'

/** Of this package. */
export function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('../../package.json')
  return (manifest as { readonly version: string }).version
}
