import { setTimeout as pause } from 'node:timers/promises'

/** How much of one core this process takes, on the average of so many milliseconds. */
export async function loadDuring(ms: number): Promise<number> {
  const cpu = process.cpuUsage()
  const since = performance.now()
  await pause(ms)
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / 1_000 / (performance.now() - since)
}
