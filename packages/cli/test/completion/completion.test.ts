import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { millrace } from '../support/command.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

const scripts = Object.fromEntries(
  await Promise.all(SHELLS.map(async (shell) => [shell, (await millrace(['completion', shell])).stdout] as const)),
) as Record<Shell, string>
/** bash is everywhere; what the others are told is held to what it is told, where they are not. */
const installed = SHELLS.filter((shell) => spawnSync(shell, ['-c', 'exit']).status === 0)

/** A folder with a folder `usr` in it. */
function folder(): string {
  const path = temporaryFolder()
  mkdirSync(join(path, 'usr'))
  return path
}

function run(shell: Shell, ...args: string[]): string[] {
  const cwd = folder()
  const output = execFileSync(shell, args, { encoding: 'utf8', cwd, env: { ...process.env, HOME: cwd, XDG_CONFIG_HOME: cwd } })
  return output.split('\n').filter((word) => word !== '')
}

/** What a shell offers for a line whose last word is being typed. */
const offered: Readonly<Record<Shell, (...words: string[]) => string[]>> = {
  bash(...words) {
    const line = words.map((word) => `'${word}'`).join(' ')
    const program = `COMP_WORDS=(millrace ${line})\nCOMP_CWORD=${words.length}\n_millrace\nprintf '%s\\n' "\${COMPREPLY[@]}"`
    return run('bash', '-c', `${scripts.bash}\n${program}`)
  },
  zsh(...words) {
    // What zsh's completion system has besides: it leaves out what does not begin as the word does.
    const system = 'compdef() { : }\ncompadd() { shift; print -l -- "$@" }\n_files() { print -l -- *(/) }'
    const line = words.map((word) => `'${word}'`).join(' ')
    const program = `words=(millrace ${line})\nCURRENT=${words.length + 1}\n_millrace`
    return run('zsh', '-f', '-c', `${system}\n${scripts.zsh}\n${program}`).filter((word) => word.startsWith(words.at(-1) ?? ''))
  },
  fish(...words) {
    const found = run('fish', '--no-config', '-c', `${scripts.fish}\ncomplete -C '${['millrace', ...words].join(' ')}'`)
    return found.map((line) => (line.split('\t')[0] ?? '').replace(/\/$/, ''))
  },
}

test.each(installed)('%s completes commands, those below them, options, and values of both', (shell) => {
  const { [shell]: complete } = offered
  expect(complete('de').toSorted()).toEqual(['dead-letters', 'describe', 'dev'])
  expect(complete('dead-letters', 're')).toEqual(['replay'])
  expect(complete('dead-letters', 'replay', '--ra')).toEqual(['--rate'])
  expect(complete('describe', 'app.ts', '--format', 'm')).toEqual(['mermaid'])
  expect(complete('completion', 'z')).toEqual(['zsh'])
  expect(complete('run', '--ins')).toEqual(['--instances'])
  expect(complete('run', 'us')).toEqual(['usr'])
  expect(complete('us')).toEqual([])
})

describe('zsh, which finds the script in a folder of fpath', () => {
  test.each(installed.filter((shell) => shell === 'zsh'))('%s completes by it from the first time on', (shell) => {
    const functions = folder()
    writeFileSync(join(functions, '_millrace'), scripts[shell])
    const system = 'compdef() { print compdef }\ncompadd() { shift; print -l -- "$@" }'
    const program = `fpath=('${functions}')\nautoload -Uz _millrace\nwords=(millrace dead-letters '')\nCURRENT=3\n_files() { : }\n_millrace\n_millrace`
    const once = ['list', 'show', 'replay', '--json', '--verbose', '--help']
    expect(run(shell, '-f', '-c', `${system}\n${program}`)).toEqual([...once, ...once])
  })

  test('is told to run it then', () => {
    expect(scripts.zsh).toMatch(/^#compdef millrace\n/)
    expect(scripts.zsh).toContain('if [[ "${funcstack[1]}" == _millrace ]]; then _millrace "$@"; else compdef _millrace millrace; fi\n')
  })
})

/** What a script offers, by where it is: the words of a command with a space behind each. */
const structure: Readonly<Record<Shell, (script: string) => Map<string, readonly string[]>>> = {
  bash: (script) => ofCases(script, /^ +"([^"]*)"\) words="([^"]*)" ;;$/gm),
  zsh: (script) => ofCases(script, /^ +"([^"]*)"\) next=\(([^)]*)\) ;;$/gm),
  fish(script) {
    const found = new Map<string, string[]>()
    for (const [, condition = '', argument, option] of script.matchAll(/^complete -c millrace -n '([^']*)' (?:-f -a (\S+)|-l (\S+))/gm)) {
      const words = condition.split('; and ').flatMap((part) => /^__fish_seen_subcommand_from (\S+)$/.exec(part)?.[1] ?? [])
      const at = words.map((word) => `${word} `).join('')
      found.set(at, [...(found.get(at) ?? []), argument ?? `--${option}`])
    }
    return found
  },
}

function ofCases(script: string, pattern: RegExp): Map<string, readonly string[]> {
  return new Map([...script.matchAll(pattern)].map(([, at = '', words = '']) => [at, words.split(' ')]))
}

test.each(SHELLS)('%s is told every command, with all that may come behind it', (shell) => {
  const known = structure[shell](scripts[shell])
  expect(known).toEqual(structure.bash(scripts.bash))
  expect([...known.keys()]).toEqual(
    expect.arrayContaining([
      '',
      'run ',
      'dev ',
      'lag ',
      'reset ',
      'dead-letters replay ',
      'stores scan ',
      'broker ',
      'new ',
      'completion ',
    ]),
  )
  expect(known.get('dead-letters ')).toEqual(expect.arrayContaining(['list', 'show', 'replay', '--help']))
})

test('another shell is refused', async () => {
  expect(await millrace(['completion', 'tcsh'])).toMatchObject({ code: 2, stdout: '' })
})
