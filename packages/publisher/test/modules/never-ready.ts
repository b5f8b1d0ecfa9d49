// A module that is never loaded, in a process that does not end for that.
setInterval(() => undefined, 1_000)
await new Promise(() => undefined)
export const events = {}
