import { describe, expect, test } from 'vitest'
import { words } from '../../src/topology/words.ts'

describe('words', () => {
  test.each([
    ['', []],
    [' \t.,;!', []],
    ['To be, or not to be', ['to', 'be', 'or', 'not', 'to', 'be']],
    ["Ahab's 3rd whale_boat", ['ahab', 's', '3rd', 'whale', 'boat']],
    ['Œuvre élève ŽLUŤOUČKÝ', ['œuvre', 'élève', 'žluťoučký']],
    ['鯨は大きい。Κῆτος кит', ['鯨は大きい', 'κῆτος', 'кит']],
    ['٣ ½ Ⅷ ²', ['٣', '½', 'ⅷ', '²']],
    ['𝐀𐐀 a\u0301b', ['𝐀𐐨', 'a', 'b']],
    ['a\u0000b\uFFFDc\uFEFFd\u00A0e', ['a', 'b', 'c', 'd', 'e']],
  ])('in %j are the runs of letters and digits, in lower case', (text, expected) => {
    expect(words(text)).toEqual(expected)
  })

  test('are put in lower case each by itself: the last sigma of a word is its last, whatever comes behind the word', () => {
    expect(words('ΟΔΟΣ’ΑΣ ΣΑΣ')).toEqual(['οδος', 'ας', 'σας'])
  })
})
