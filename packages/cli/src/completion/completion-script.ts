import { allCommands, type CompletedCommand } from './command-tree.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

/** What a shell is to run so that it completes the command. Nothing of it depends on where or how the command is installed. */
export function completionScript(shell: Shell, root: CompletedCommand): string {
  return { bash, zsh, fish }[shell](root)
}

/** In bash and zsh: follows the words so far from command to command, `at` being where it is. */
function walk(root: CompletedCommand, indent: string): string {
  const known = allCommands(root).filter(({ words }) => words.length > 0)
  return known
    .map(({ words }) => `${indent}"${[...words.slice(0, -1), ''].join(' ')}${words.at(-1)}") at="${words.join(' ')} " ;;`)
    .join('\n')
}

/** In bash and zsh: what may come next, by where it is. */
function candidates(root: CompletedCommand, assign: (words: string) => string, indent: string): string {
  return allCommands(root)
    .map(({ words, commands, values, options }) => {
      const at = words.map((word) => `${word} `).join('')
      const next = [...commands.map((one) => one.words.at(-1)), ...values, ...options.map(({ name }) => name)]
      return `${indent}"${at}") ${assign(next.join(' '))} ;;`
    })
    .join('\n')
}

/** In bash and zsh: values of the option before. */
function choices(root: CompletedCommand, assign: (words: string) => string, indent: string): string {
  const known = new Map(
    allCommands(root).flatMap(({ options }) => options.flatMap(({ name, choices: all }) => (all.length > 0 ? [[name, all] as const] : []))),
  )
  return [...known].map(([name, all]) => `${indent}${name}) ${assign(all.join(' '))} ;;`).join('\n')
}

function bash(root: CompletedCommand): string {
  const assign = (words: string) => `words="${words}"`
  // No files beside values that are known.
  const only = (words: string) => `${assign(words)} at=""`
  return `_millrace() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at$word" in
${walk(root, '      ')}
    esac
  done
  case "$at" in
${candidates(root, assign, '    ')}
  esac
  case "$before" in
${choices(root, only, '    ')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ -n "$at" && "$cur" != -* ]]; then COMPREPLY+=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _millrace millrace
`
}

function zsh(root: CompletedCommand): string {
  const assign = (words: string) => `next=(${words})`
  const only = (words: string) => `${assign(words)} at=""`
  return `#compdef millrace
_millrace() {
  local at="" word
  local -a next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at$word" in
${walk(root, '      ')}
    esac
  done
  case "$at" in
${candidates(root, assign, '    ')}
  esac
  case "\${words[CURRENT-1]}" in
${choices(root, only, '    ')}
  esac
  compadd -- $next
  if [[ -n "$at" && "\${words[CURRENT]}" != -* ]]; then _files; fi
}
# In a folder of fpath this file is the function, and is run for the first completion; elsewhere it is a script that is sourced.
if [[ "\${funcstack[1]}" == _millrace ]]; then _millrace "$@"; else compdef _millrace millrace; fi
`
}

function fish(root: CompletedCommand): string {
  const lines = allCommands(root).flatMap((command) => {
    const inside = command.words.map((word) => `__fish_seen_subcommand_from ${word}`)
    const notBelow = command.commands.map(({ words }) => words.at(-1)).join(' ')
    const here = [...inside, ...(notBelow === '' ? [] : [`not __fish_seen_subcommand_from ${notBelow}`])].join('; and ')
    return [
      ...command.commands.map(
        ({ words, description }) => `complete -c millrace -n '${here}' -f -a ${words.at(-1)} -d ${quoted(description)}`,
      ),
      ...command.values.map((value) => `complete -c millrace -n '${here}' -f -a ${value}`),
      ...command.options.map(({ name, description, hasValue, choices: all }) => {
        const value = all.length > 0 ? ` -x -a '${all.join(' ')}'` : hasValue ? ' -r' : ''
        return `complete -c millrace -n '${here}' -l ${name.replace(/^--/, '')}${value} -d ${quoted(description)}`
      }),
    ]
  })
  return `${lines.join('\n')}\n`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
