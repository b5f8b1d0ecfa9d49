import { describe, expect, test } from 'vitest'
import { colorsFor } from '../../src/command-line/colours.ts'
import { printable, table } from '../../src/command-line/table.ts'

const output = (isTerminal: boolean) => ({ isTerminal, columns: undefined, isClosed: false, write: async () => undefined })

describe('colours', () => {
  test.each([
    ['where a person looks', true, {}, true],
    ['not when piped', false, {}, false],
    ['not against NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['not against NO_COLOR, even if they are forced', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['when piped, if they are forced', false, { FORCE_COLOR: '1' }, true],
    ['an empty NO_COLOR asks for nothing', true, { NO_COLOR: '' }, true],
  ])('%s', (_, isTerminal, variables, expected) => {
    expect(colorsFor({ stdout: output(isTerminal), variables }).isColorSupported).toBe(expected)
  })
})

test('a table has columns that can be cut', () => {
  const colors = colorsFor({ stdout: output(false), variables: {} })

  expect(
    table(
      [{ title: 'TOPIC' }, { title: 'LAG', align: 'right' }],
      [
        ['lines', '5'],
        ['other-lines', '1,234'],
      ],
      colors,
    ),
  ).toBe('TOPIC          LAG\nlines            5\nother-lines  1,234\n')
})

test('what records hold can not move the cursor, change colours or begin lines', () => {
  expect(printable('a\u001b[31mb\nc\td\u202ee')).toBe('a\\u001b[31mb\\nc\\td\\u202ee')
})
