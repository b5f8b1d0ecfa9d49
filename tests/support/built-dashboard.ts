import { fileURLToPath } from 'node:url'
import { buildDashboard } from '../../packages/telemetry/dashboard/build.mjs'

/** Where servers find the dashboard's files. */
export const dashboardFiles = fileURLToPath(new URL('../../packages/telemetry/page/', import.meta.url))

/** Makes them of the sources, once for a run: several test files look at the page. */
export async function setup(): Promise<void> {
  await buildDashboard(dashboardFiles)
}
