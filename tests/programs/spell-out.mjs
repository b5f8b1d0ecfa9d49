import { threadId } from 'node:worker_threads'

/**
 * The letters of a word, each as a record.
 * @type {import('millrace/parallel').ParallelFunction<string, string, string, { letter: string, thread: number }>}
 */
export const spellOut = ({ key, value }) => {
  if (value === '!') throw new SyntaxError(`'${value}' has no letters`)
  return value.split('').map((letter) => ({ key, value: { letter, thread: threadId } }))
}
