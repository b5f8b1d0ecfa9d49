/**
 * Users' keys may be any bytes, and the store's own metadata must live in the same database, so that both are written in one piece. Keys that
 * begin with MAGIC are moved aside: MAGIC 0x01 rest for users' keys, MAGIC 0x00 for the metadata. All other keys stay as they are, which is why
 * this costs a look at one byte; and the order of users' keys stays what it was.
 */
const MAGIC = Uint8Array.of(0x00, 0xff, 0x4d, 0x69, 0x6c, 0x6c, 0x72, 0x61, 0x63, 0x65)

/** Where the metadata is. */
export const METADATA_KEY: Uint8Array = Uint8Array.of(...MAGIC, 0x00)

function beginsWithMagic(key: Uint8Array): boolean {
  if (key[0] !== 0x00 || key.length < MAGIC.length) return false
  for (let i = 1; i < MAGIC.length; i++) if (key[i] !== MAGIC[i]) return false
  return true
}

/** The key under which a user's key is stored. Keeps the order of keys, so that it serves for bounds too. */
export function storedKey(key: Uint8Array): Uint8Array {
  if (!beginsWithMagic(key)) return key
  const stored = new Uint8Array(key.length + 1)
  stored.set(MAGIC)
  stored[MAGIC.length] = 0x01
  stored.set(key.subarray(MAGIC.length), MAGIC.length + 1)
  return stored
}

/** The user's key of a stored key; undefined for the store's own. */
export function userKey(stored: Uint8Array): Uint8Array | undefined {
  if (!beginsWithMagic(stored)) return stored
  if (stored[MAGIC.length] !== 0x01) return undefined
  const key = new Uint8Array(stored.length - 1)
  key.set(MAGIC)
  key.set(stored.subarray(MAGIC.length + 1), MAGIC.length)
  return key
}
