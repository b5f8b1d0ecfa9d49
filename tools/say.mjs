/**
 * Tells the user what is being done. On stderr: stdout belongs to the program.
 * @param {string} message
 */
export function say(message) {
  process.stderr.write(`${message}\n`)
}
