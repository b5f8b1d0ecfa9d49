/**
 * Users' keys may be any bytes, and what a store keeps for itself has to live among them where it must be written in one piece with them. Keys
 * that begin with MAGIC are moved aside: MAGIC 0x01 rest for users' keys, MAGIC 0x00 name for the store's own. All other keys stay as they are,
 * which is why this costs a look at one byte or two; and the order of users' keys stays what it was.
 */
const MAGIC = Uint8Array.of(0x00, 0xff, 0x4d, 0x69, 0x6c, 0x6c, 0x72, 0x61, 0x63, 0x65)
const OWN = 0x00
const USER = 0x01

/** Where a store keeps something of its own; no user's key is ever stored there. `name` is ASCII. */
export function ownKey(name: string): Uint8Array {
  const key = new Uint8Array(MAGIC.length + 1 + name.length)
  key.set(MAGIC)
  key[MAGIC.length] = OWN
  for (let i = 0; i < name.length; i++) key[MAGIC.length + 1 + i] = name.charCodeAt(i)
  return key
}

/** Where the metadata are. */
export const METADATA_KEY: Uint8Array = ownKey('metadata')

/** The key under which a user's key is stored. Keeps the order of keys, so that it serves for the bounds of a range too. */
export function storedKey(key: Uint8Array): Uint8Array {
  if (!beginsWithMagic(key)) return key
  const stored = new Uint8Array(key.length + 1)
  stored.set(MAGIC)
  stored[MAGIC.length] = USER
  stored.set(key.subarray(MAGIC.length), MAGIC.length + 1)
  return stored
}

/** The user's key of a stored key; undefined for the store's own. */
export function userKey(stored: Uint8Array): Uint8Array | undefined {
  if (!beginsWithMagic(stored)) return stored
  if (stored[MAGIC.length] !== USER) return undefined
  const key = new Uint8Array(stored.length - 1)
  key.set(MAGIC)
  key.set(stored.subarray(MAGIC.length + 1), MAGIC.length)
  return key
}

function beginsWithMagic(key: Uint8Array): boolean {
  if (key[0] !== MAGIC[0] || key.length < MAGIC.length) return false
  for (let i = 1; i < MAGIC.length; i++) if (key[i] !== MAGIC[i]) return false
  return true
}
