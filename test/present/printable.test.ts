import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable, printableLines } from '../../src/present/printable.ts'

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
})
