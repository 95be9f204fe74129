import { expect, it } from 'vitest'
import { columnsOf } from '../../src/present/columns.ts'

it.each([
  ['', 0],
  ['rabbit@myhost', 13],
  ['é', 1],
  ['– ∞ … ×', 7],
  ['Ωж', 2],
  // A letter and an accent of its own.
  ['e\u0301', 1],
  ['漢字', 4],
  ['カタ', 4],
  ['ｶﾀ', 2],
  ['한글', 4],
  ['\u303f', 1],
  ['Ａ', 2],
  ['𠀀', 2],
  ['😀', 2],
  ['👍🏽', 2],
  ['🇩🇪', 2],
  ['♥', 1],
])('%j takes %d', (text, columns) => {
  expect(columnsOf(text)).toBe(columns)
})

it('takes nothing for colours', () => {
  expect(columnsOf('\u001b[1m漢字\u001b[22m')).toBe(4)
  expect(columnsOf('\u001b[31mred\u001b[39m')).toBe(3)
})
