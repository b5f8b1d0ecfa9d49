// A module that is never loaded, in a process that does not end for that.
setInterval(() => undefined, 1_000)
if (process.env['SAY_BEGUN'] !== undefined) process.stdout.write('handed over\n')
await new Promise(() => undefined)
export const events = {}
