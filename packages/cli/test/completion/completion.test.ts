import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { millrace } from '../support/command.ts'

const { stdout: script } = await millrace(['completion', 'bash'])

/** What bash offers for a line whose last word is being typed. */
function offered(...words: string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(' ')
  const program = `${script}\nCOMP_WORDS=(millrace ${line})\nCOMP_CWORD=${words.length}\n_millrace\nprintf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', program], { encoding: 'utf8', cwd: '/' })
    .split('\n')
    .filter((word) => word !== '')
}

test('bash completes commands, those below them, options and their values', () => {
  expect(offered('de')).toEqual(['dev', 'describe', 'dead-letters'].toSorted((a, b) => order(a) - order(b)))
  expect(offered('dead-letters', 're')).toEqual(['replay'])
  expect(offered('dead-letters', 'replay', '--ra')).toEqual(['--rate'])
  expect(offered('describe', 'app.ts', '--format', 'm')).toEqual(['mermaid'])
  expect(offered('run', '--ins')).toEqual(['--instances'])
  expect(offered('run', 'us')).toEqual(['usr'])
  expect(offered('us')).toEqual([])
})

/** As help lists them. */
function order(name: string): number {
  return script.indexOf(`"${name}") at=`)
}

test.each(['bash', 'zsh', 'fish'])('%s knows every command', async (shell) => {
  const { code, stdout } = await millrace(['completion', shell])

  expect(code).toBe(0)
  for (const name of ['run', 'dev', 'describe', 'lag', 'reset', 'dead-letters', 'replay', 'broker', 'new', 'completion']) {
    expect(stdout).toContain(name)
  }
})

test('another shell is refused', async () => {
  expect(await millrace(['completion', 'tcsh'])).toMatchObject({ code: 2, stdout: '' })
})
