import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startCommand } from '../support/command-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const packageFolder = fileURLToPath(new URL('../..', import.meta.url))

const moduleOf = (change: string) => `
import { defineApp, serdes, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'

const builder = new TopologyBuilder('shout')
builder
  .source('lines', { topics: ['lines'], key: serdes.nullable(serdes.string), value: serdes.string })
  .mapValues('change', (line) => ${change})
  .sink('shouts', { topic: 'shouts', key: serdes.nullable(serdes.string), value: serdes.string })

export default defineApp({ topology: builder.build(), applicationId: 'shout', transport: kafka({ brokers: 'nowhere:1' }), threads: 4 })
`

test(
  'dev runs the application on an embedded log, and with each change of a file anew, with the same input',
  { timeout: 120_000 },
  async () => {
    const project = temporaryFolder()
    mkdirSync(join(project, 'src'))
    symlinkSync(join(packageFolder, 'node_modules'), join(project, 'node_modules'))
    writeFileSync(join(project, 'package.json'), '{"type":"module"}')
    writeFileSync(join(project, 'lines.txt'), 'to be\n{"topic":"linse","value":"no"}\n{"key":"k","value":"or not"}\n')
    const file = join(project, 'src', 'app.mjs')
    writeFileSync(file, moduleOf('line.toUpperCase()'))

    const dev = startCommand(['dev', file, '--input', 'lines=lines.txt', '--json'], { folder: project })
    const lines = () =>
      dev.stdout
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { key: unknown; value: unknown })
    await expect.poll(lines, { timeout: 60_000 }).toEqual([
      { topic: 'shouts', key: null, value: 'TO BE' },
      { topic: 'shouts', key: 'k', value: 'OR NOT' },
    ])
    // A line of the file that is no record, by its number.
    await expect
      .poll(() => dev.stderr, { timeout: 30_000 })
      .toContain(`"message":"Line 2 of 'lines.txt': 'linse' is no input: there is 'lines'."`)
    dev.write('typed\n')
    await expect.poll(() => lines().at(-1), { timeout: 30_000 }).toMatchObject({ value: 'TYPED' })

    // What it writes itself, or is written of it, is no source of it.
    writeFileSync(join(project, 'out.json'), dev.stdout)
    // What does not run is told, and the next change begins anew.
    writeFileSync(file, 'export default 7')
    await expect.poll(() => dev.stderr, { timeout: 60_000 }).toContain('exports no application')
    writeFileSync(file, moduleOf("line + '!'"))
    await expect
      .poll(
        () =>
          lines()
            .slice(3)
            .map(({ value }) => value),
        { timeout: 60_000 },
      )
      .toEqual(['to be!', 'or not!', 'typed!'])

    expect(dev.stderr).not.toContain('out.json')
    dev.signal('SIGINT')
    expect(await dev.ended).toBe(0)
  },
)
