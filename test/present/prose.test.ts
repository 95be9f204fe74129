import { expect, it } from 'vitest'
import { wrap } from '../../src/present/prose.ts'

it('breaks at spaces, so that no line is wider than the paper', () => {
  expect(wrap('the quick brown fox', 9)).toBe('the quick\nbrown fox')
})

it('indents every line but the first, which stands behind something', () => {
  expect(`x ${wrap('aa bb cc dd', 6, '  ')}`).toBe('x aa bb\n  cc dd')
})

it('keeps a word whole that is wider than the paper', () => {
  expect(wrap('a verylongword b', 5)).toBe('a\nverylongword\nb')
})
