import type { Command } from 'commander'

/** An option as shells complete it. */
export interface CompletedOption {
  /** With its dashes. */
  readonly name: string
  readonly description: string
  /** Whether a value stands behind it. */
  readonly hasValue: boolean
  /** The values that it takes, where they are few. */
  readonly choices: readonly string[]
}

/** A command as shells complete it. */
export interface CompletedCommand {
  /** The words of it, without the program's name. */
  readonly words: readonly string[]
  readonly description: string
  readonly commands: readonly CompletedCommand[]
  readonly options: readonly CompletedOption[]
  /** The values that its arguments take, where they are few. */
  readonly values: readonly string[]
}

/** All commands below one, from what parses them. */
export function commandTree(of: Command, words: readonly string[] = []): CompletedCommand {
  return {
    words,
    description: sentenceOf(of.description()),
    values: of.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    commands: of.commands.map((one) => commandTree(one, [...words, one.name()])),
    options: of
      .createHelp()
      .visibleOptions(of)
      .map((option) => ({
        name: option.long ?? option.flags,
        description: sentenceOf(option.description),
        hasValue: option.required || option.optional,
        choices: option.argChoices ?? [],
      })),
  }
}

/** The command and all below it. */
export function allCommands(command: CompletedCommand): readonly CompletedCommand[] {
  return [command, ...command.commands.flatMap(allCommands)]
}

function sentenceOf(text: string): string {
  return text.split('. ', 1)[0]?.replace(/\.$/, '') ?? ''
}
