/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Whose values are text; all others are whole numbers. Default: nobody's. */
export interface EnvironmentTexts<Option extends string> {
  /** Names of those options. Default: none. */
  readonly texts?: readonly Option[] | undefined
}

/**
 * The values that environment variables give to options: `variables` has the name of each one's. A variable that is empty is not set. What should be a
 * number and is none stays as it is, to be reported. Pure.
 */
export function environmentValues<Option extends string>(
  environment: Environment,
  variables: Readonly<Record<Option, string>>,
  { texts = [] }: EnvironmentTexts<Option> = {},
): Partial<Record<Option, unknown>> {
  const given: Partial<Record<Option, unknown>> = {}
  for (const [option, variable] of Object.entries(variables) as [Option, string][]) {
    const text = environment[variable]?.trim()
    if (text === undefined || text === '') continue
    given[option] = !texts.includes(option) && /^\d+$/.test(text) ? Number(text) : text
  }
  return given
}
