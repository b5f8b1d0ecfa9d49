import pc from 'picocolors'
import type { Environment } from './environment.ts'

/** Functions that put a colour around text, or leave it. */
export type Colors = ReturnType<typeof pc.createColors>

/** Colours only where a person looks, and not against the wish of `NO_COLOR`; `FORCE_COLOR` asks for them in any case. */
export function colorsFor({ stdout, variables }: Pick<Environment, 'stdout' | 'variables'>): Colors {
  const isSet = (name: string) => (variables[name] ?? '') !== ''
  if (isSet('NO_COLOR')) return pc.createColors(false)
  const forced = isSet('FORCE_COLOR') && variables['FORCE_COLOR'] !== '0'
  return pc.createColors(forced || (stdout.isTerminal && variables['TERM'] !== 'dumb'))
}
