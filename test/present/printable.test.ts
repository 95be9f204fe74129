import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atom } from '../../src/etf/build.ts'
import { formatTerm } from '../../src/etf/format.ts'
import { parseTerm } from '../../src/etf/parse.ts'
import {
  printable,
  printableJson,
  printableLines,
  printableTerm,
} from '../../src/present/printable.ts'

describe('text from outside', () => {
  it('cannot move the cursor, rename the window or turn the direction of writing', () => {
    expect(printable('a\u001b[31mb\u001b]0;c\u0007')).toBe('a\\u001b[31mb\\u001b]0;c\\u0007')
    expect(printable('\u009b1A \u202e \u2066 \ufeff \u{e0041}')).toBe(
      '\\u009b1A \\u202e \\u2066 \\ufeff \\u{e0041}',
    )
  })

  it('stays on its line', () => {
    expect(printable('a\nb\r\u2028c')).toBe('a\\u000ab\\u000d\\u2028c')
    expect(printableLines('a\u001b\nb')).toBe('a\\u001b\nb')
  })

  it('is left alone where it is plain', () => {
    expect(printable('rabbit@myhost, größer – 日本')).toBe('rabbit@myhost, größer – 日本')
  })

  it('never holds a control character, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }),
    )
  })

  it('hides nothing: what takes no place is seen, and so are the fillers of scripts', () => {
    expect(printable('a\u200b\u034f\u3164\ufe0f')).toBe('a\\u200b\\u034f\\u3164\\ufe0f')
  })

  it('is the same term, and the same JSON, to whoever reads it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
        const term = printableTerm(formatTerm(atom(text)))
        const json = printableJson(JSON.stringify({ text }))
        expect(term + json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        expect(parseTerm(term)).toEqual(atom(text))
        expect(JSON.parse(json)).toEqual({ text })
      }),
    )
  })
})
