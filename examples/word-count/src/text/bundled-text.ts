import { fileURLToPath } from 'node:url'

/** The text that is counted when none is named: Moby-Dick. `moby-dick.source.txt` beside it says where it comes from. */
export const BUNDLED_TEXT = fileURLToPath(new URL('../../assets/moby-dick.txt', import.meta.url))
