import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { parseArguments, type Settings } from './command-line/parse-arguments.ts'
import { measure, type Measured } from './harness/measure.ts'
import { microComparisons, microTargets } from './micro/comparisons.ts'
import { thisMachine } from './report/machine.ts'
import { measuredTable, profiledTable } from './report/table.ts'
import { exitCodeFor, targetLines, targetResults } from './report/targets.ts'

const USAGE = 2
const FULL = { runMs: 50, warmUpRuns: 3 }
const SHORT = { runMs: 10, warmUpRuns: 2 }

try {
  const settings = parseArguments(process.argv.slice(2))
  if (settings !== undefined) await bench(settings)
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.stderr.write(`bench: ${error.message.replace(/^error: /, '')} See --help.\n`)
  process.exitCode = USAGE
}

async function bench({ short, only, json, profile, list, runs, strict }: Settings): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  try {
    const all = microComparisons({ short, folder })
    const chosen = only.length === 0 ? all : all.filter(({ name }) => only.some((part) => name.includes(part)))
    if (chosen.length === 0)
      throw new CommanderError(USAGE, 'bench.only', `No comparison's name holds '${only.join("' or '")}': see --list.`)
    if (list) {
      process.stdout.write(chosen.map(({ name }) => `${name}\n`).join(''))
      return
    }
    const began = performance.now()
    const measured: Measured[] = []
    for (const comparison of chosen) {
      const one = await measure(comparison, { runs, ...(short ? SHORT : FULL), profileFolder: profile })
      measured.push(one)
      process.stdout.write(`${measuredTable(one)}\n${profiledTable(one)}`)
    }
    const targets = targetResults(microTargets, measured)
    const machine = thisMachine()
    const seconds = Math.round((performance.now() - began) / 1_000)
    process.stdout.write(targetLines(targets))
    process.stdout.write(`\n${seconds} s on ${machine.cpus} x ${machine.cpu}, Node ${machine.node}\n`)
    process.exitCode = exitCodeFor(targets, strict)
    if (json !== undefined) await writeFile(json, `${JSON.stringify({ short, machine, targets, comparisons: measured }, null, 2)}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
