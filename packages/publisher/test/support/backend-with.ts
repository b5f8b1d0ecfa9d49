import type { StoreBackend } from '@millrace/core'

/** The same backend, of which some methods are others. */
export function backendWith(backend: StoreBackend, methods: Partial<StoreBackend>): StoreBackend {
  return new Proxy(backend, {
    get(target, name) {
      const value: unknown = Reflect.get(name in methods ? methods : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
