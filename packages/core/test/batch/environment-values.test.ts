import { environmentValues } from '@millrace/core'
import { expect, test } from 'vitest'

const variables = { size: 'A_SIZE', strategy: 'A_STRATEGY' }

test('variables give numbers to options, text to those that take text; empty ones give nothing', () => {
  expect(environmentValues({ A_SIZE: ' 12 ', A_STRATEGY: '1', B_SIZE: '3' }, variables, { texts: ['strategy'] })).toEqual({
    size: 12,
    strategy: '1',
  })
  expect(environmentValues({ A_SIZE: '', A_STRATEGY: undefined }, variables)).toEqual({})
})

test('what should be a number and is none stays as it is, to be reported', () => {
  expect(environmentValues({ A_SIZE: '-5' }, variables)).toEqual({ size: '-5' })
})
