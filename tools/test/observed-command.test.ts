import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../paths.mjs'

/** Of the processor: a machine that has little of it to give may take longer by the clock. */
const SECONDS = 10

interface Shown {
  readonly nodes: Readonly<Record<string, number>>
  readonly edges: readonly { readonly records: number }[]
  readonly partitions: readonly { readonly records?: number }[]
  readonly stores: readonly { readonly entries: number }[]
}

test(
  `npm run observed shows data on its dashboard within ${SECONDS} seconds of a processor, and ends on a signal`,
  { timeout: 280_000 },
  async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { observed: string } }
    const [, program = ''] = /^node (\S+)$/.exec(scripts.observed) ?? []
    const running = spawn(process.execPath, [join(root, program), '--port', '0'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void running.kill())
    const [printed] = (await once(running.stdout.setEncoding('utf8'), 'data')) as [string]
    const [url = ''] = /http:\/\/[\d.:]+/.exec(printed) ?? []

    expect(await (await fetch(url)).text()).toContain('dashboard.js')
    const shown = async () => {
      const { nodes, edges, partitions, stores } = (await (await fetch(`${url}/live.json`)).json()) as Shown
      return {
        nodes: Object.keys(nodes).length,
        flows: edges.some(({ records }) => records > 0),
        partitions: partitions.filter(({ records = 0 }) => records > 0).length,
        state: stores.some(({ entries }) => entries > 0),
      }
    }
    await expect.poll(shown, { timeout: 90_000 }).toMatchObject({ nodes: 9, flows: true, partitions: 8, state: true })
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(Number(/^process_cpu_seconds_total (\S+)$/m.exec(metrics)?.[1])).toBeLessThan(SECONDS)

    running.kill('SIGINT')
    expect(await once(running, 'close')).toEqual([0, null])
  },
)
