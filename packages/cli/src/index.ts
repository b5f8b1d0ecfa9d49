/**
 * The `millrace` command, for programs that want to run it in their own process.
 *
 * @packageDocumentation
 */
export { type Environment, processEnvironment, type TextOutput } from './command-line/environment.ts'
export { runCommand } from './command-line/run-command.ts'
