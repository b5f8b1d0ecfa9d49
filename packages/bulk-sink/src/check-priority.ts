/** Throws for what is no priority. */
export function checkPriority(priority: number | undefined): void {
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 1 && priority <= 10))
    throw new TypeError(`priority is ${String(priority)}; use a whole number from 1, the highest, to 10.`)
}
