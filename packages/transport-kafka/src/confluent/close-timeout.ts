/** How long a client may take to let go of its connections and threads. */
export const CLOSE_TIMEOUT_MS = 15_000
