import { readFileSync } from 'node:fs'

/** Prints how many tests passed and failed in a report of vitest's. A file that could not even be loaded is a failure. */
const report = JSON.parse(readFileSync(String(process.argv[2]), 'utf8'))
const unloaded = report.testResults.filter(
  (/** @type {{ status: string, assertionResults: unknown[] }} */ file) => file.status === 'failed' && file.assertionResults.length === 0,
)
process.stdout.write(`${report.numPassedTests} ${report.numFailedTests + unloaded.length}\n`)
