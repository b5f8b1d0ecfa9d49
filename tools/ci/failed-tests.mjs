import { readFileSync } from 'node:fs'

/** Prints which tests of a report of vitest's failed, and why: at the end of a long log they are found. */
const report = JSON.parse(readFileSync(String(process.argv[2]), 'utf8'))
for (const { name, status, message, assertionResults } of report.testResults) {
  const file = name.startsWith(`${process.cwd()}/`) ? name.slice(process.cwd().length + 1) : name
  const failed = assertionResults.filter((/** @type {{ status: string }} */ test) => test.status === 'failed')
  for (const { fullName, failureMessages } of failed)
    process.stdout.write(`\nFAILED ${file} > ${fullName}\n${failureMessages.join('\n')}\n`)
  if (status === 'failed' && failed.length === 0) process.stdout.write(`\nFAILED ${file}\n${message}\n`)
}
