import picocolors from 'picocolors'
import { expect, it } from 'vitest'
import { type Column, table } from '../../src/present/table.ts'

const PLAIN = { width: 80, colors: picocolors.createColors(false) }
const COLOURED = { width: 80, colors: picocolors.createColors(true) }

const COLUMNS: readonly Column[] = [{ title: 'node' }, { title: 'size', align: 'right' }]

it('stands in columns, whatever the width of their characters', () => {
  expect(
    table(
      COLUMNS,
      [
        ['a@b', '12,345 B'],
        ['漢字@b', '1 B'],
      ],
      PLAIN,
    ),
  ).toBe(['node        size', 'a@b     12,345 B', '漢字@b       1 B'].join('\n'))
})

it('is its head where there are no rows', () => {
  expect(table(COLUMNS, [], PLAIN)).toBe('node  size')
})

it('has no spaces at the end of a line', () => {
  expect(table([{ title: 'a' }, { title: '' }], [['long', '']], PLAIN)).toBe('a\nlong')
})

it('gives colours no columns', () => {
  const { colors } = COLOURED
  const coloured = table(COLUMNS, [[colors.red('a@b'), '1 B']], COLOURED)
  expect(coloured).toBe(
    '\u001b[1mnode\u001b[22m  \u001b[1msize\u001b[22m\n\u001b[31ma@b\u001b[39m    1 B',
  )
})
