import { type Command, Argument } from 'commander'
import { command, type CommandHost, runs } from '../command-line/command.ts'
import type { CommonOptions } from '../command-line/report.ts'
import { commandTree } from '../completion/command-tree.ts'
import { completionScript, type Shell } from '../completion/completion-script.ts'

/** `millrace completion`: what a shell runs to complete the command. `root`: all commands, when they are known. */
export function completionCommand(host: CommandHost, root: () => Command): Command {
  const completion = command('completion', 'Print what a shell runs to complete this command.', [
    'millrace completion bash >> ~/.bashrc',
    'millrace completion zsh > "${fpath[1]}/_millrace"',
    'millrace completion fish > ~/.config/fish/completions/millrace.fish',
  ]).addArgument(new Argument('<shell>', 'which one').choices(['bash', 'zsh', 'fish']))
  return runs<CommonOptions>(completion, host, async ({ args: [shell], report }) => {
    const script = completionScript(shell as Shell, commandTree(root()))
    await report.result({ shell, script }, () => script)
  })
}
