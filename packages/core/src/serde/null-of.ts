import { SerdeError } from '../errors/serde-error.ts'
import type { Serde } from './serde.ts'

/** What Kafka's null stands for; throws a {@link SerdeError} where the serde takes none. */
export function nullOf<T>(serde: Serde<T>): T {
  if (serde.deserializeNull === undefined) {
    throw new SerdeError(serde.name, 'deserialize', 'null is refused; use serdes.nullable(...) if null is to be allowed.')
  }
  return serde.deserializeNull()
}
