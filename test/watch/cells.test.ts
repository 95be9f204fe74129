/** Text on the grid of a terminal. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable } from '../../src/present/printable.ts'
import {
  ascii,
  columnsOf,
  columnsOfLine,
  cut,
  cutLine,
  cutMiddle,
  justify,
  padEnd,
  padStart,
  wrapColumns,
} from '../../src/watch/cells.ts'
import { terminalColumns } from './terminal-columns.ts'

/** Of whatever script, with emoji, marks, and what has no place of its own. */
const anyText = fc.string({ unit: 'binary', maxLength: 40 }).map(printable)

describe('columnsOf', () => {
  it.each([
    ['', 0],
    ['rabbit@myhost', 13],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['한국', 4],
    ['🐇', 2],
    ['▁▂█▸', 4],
    ['ж–…', 3],
  ])('counts %j as %i', (text, columns) => {
    expect(columnsOf(text)).toBe(columns)
  })

  it.each([
    ['a mark beyond the first block of them', '\u1dc0', 0],
    ['an angle bracket', '\u2329', 2],
    ['a trigram', '\u2630', 2],
    ['a hand', '\u270c', 2],
    ['a keycap', '1\u20e3', 2],
  ])('knows %s', (_, text, columns) => {
    expect(columnsOf(text)).toBe(columns)
  })

  it('is never less than what a terminal takes, for each character there is', () => {
    const wider: string[] = []
    for (let code = 0; code <= 0x10ffff; code++) {
      // Nothing is in the planes 4 to 13, which are more than half of all.
      if (code === 0x40000) code = 0xe0000
      const text = printable(String.fromCodePoint(code))
      if (columnsOf(text) < terminalColumns(text)) wider.push(code.toString(16))
    }
    expect(wider).toEqual([])
  })

  it('is never less than what a terminal takes, for any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(columnsOf(text)).toBeGreaterThanOrEqual(terminalColumns(text))
      }),
    )
  })
})

describe('cut', () => {
  it('leaves out what does not fit, and says so', () => {
    expect(cut('rabbit', 6)).toBe('rabbit')
    expect(cut('rabbit', 5)).toBe('rabb…')
    expect(cut('rabbit', 1)).toBe('…')
    expect(cut('rabbit', 0)).toBe('')
    expect(cut('日本語', 5)).toBe('日本…')
    expect(cut('日本語', 4)).toBe('日…')
  })

  it('fits, whatever the text', () => {
    fc.assert(
      fc.property(anyText, fc.nat(30), (text, columns) => {
        expect(columnsOf(cut(text, columns))).toBeLessThanOrEqual(columns)
      }),
    )
  })
})

describe('cutMiddle', () => {
  it('leaves out what stands after the first quarter', () => {
    expect(cutMiddle('rabbit', 6)).toBe('rabbit')
    expect(cutMiddle('a very long name is there already', 20)).toBe('a ve…s there already')
    expect(cutMiddle('日本語日本語日本語', 8)).toBe('…日本語')
    expect(cutMiddle('rabbit', 1)).toBe('…')
    expect(cutMiddle('rabbit', 0)).toBe('')
  })

  it('fits, whatever the text', () => {
    fc.assert(
      fc.property(anyText, fc.nat(30), (text, columns) => {
        expect(columnsOf(cutMiddle(text, columns))).toBeLessThanOrEqual(columns)
      }),
    )
  })
})

describe('padding', () => {
  it('counts columns, not characters', () => {
    expect(padEnd('日', 4)).toBe('日  ')
    expect(padStart('日', 4)).toBe('  日')
    expect(padStart('rabbit', 3)).toBe('rabbit')
  })
})

describe('lines', () => {
  it('put one text at the left and one at the right, and cut the left one first', () => {
    const text = (left: string, right: string, columns: number): string =>
      justify([{ text: left }], [{ text: right }], columns)
        .map((it) => it.text)
        .join('')
    expect(text('a', 'b', 5)).toBe('a   b')
    expect(text('rabbit', '12:00', 10)).toBe('rab… 12:00')
    expect(text('rabbit', '12:00', 3)).toBe('12…')
  })

  it('are no wider than they may be', () => {
    fc.assert(
      fc.property(fc.array(anyText), fc.nat(60), (texts, columns) => {
        const line = cutLine(
          texts.map((text) => ({ text })),
          columns,
        )
        expect(columnsOfLine(line)).toBeLessThanOrEqual(columns)
      }),
    )
  })
})

describe('wrapColumns', () => {
  it('breaks at spaces, breaks longer words, and cuts the last line', () => {
    expect(wrapColumns('one two three', 7, 3)).toEqual(['one two', 'three'])
    expect(wrapColumns('one two three', 7, 1)).toEqual(['one tw…'])
    expect(wrapColumns('abcdefgh ij', 4, 3)).toEqual(['abcd', 'efgh', 'ij'])
    expect(wrapColumns('日本語日本語', 4, 9)).toEqual(['日本', '語日', '本語'])
  })

  it('fits, whatever the text', () => {
    const columns = fc.integer({ min: 2, max: 30 })
    fc.assert(
      fc.property(anyText, columns, fc.integer({ min: 1, max: 4 }), (text, width, most) => {
        const lines = wrapColumns(text, width, most)
        expect(lines.length).toBeLessThanOrEqual(most)
        for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width)
      }),
    )
  })
})

describe('ascii', () => {
  it('draws with what there is, on as many columns', () => {
    expect(ascii('▁▂▃▄▅▆▇█')).toBe('_.-:=+*#')
    expect(ascii('▸ fragmented – 3 – 9 …')).toBe('> fragmented - 3 - 9 ~')
    expect(ascii('日é')).toBe('???')
  })

  it('takes no other width, and is ASCII', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(ascii(text)).toMatch(/^[ -~]*$/)
        expect(ascii(text)).toHaveLength(columnsOf(text))
      }),
    )
  })
})
