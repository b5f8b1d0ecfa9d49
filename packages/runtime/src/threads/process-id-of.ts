/** What names one thread of a process: as a member of the group, and its transactions. Kept over restarts. */
export function processIdOf({ processId }: { readonly processId: string }, thread: number): string {
  return `${processId}-${thread}`
}
