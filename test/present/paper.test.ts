import { expect, it } from 'vitest'
import { paperOf } from '../../src/present/paper.ts'

const terminal = { isTTY: true, columns: 100 }

function hasColors(stream: { isTTY?: boolean }, env: Record<string, string> = {}): boolean {
  return paperOf(stream, env).colors.isColorSupported
}

it('has colours on a terminal alone', () => {
  expect(hasColors(terminal)).toBe(true)
  expect(hasColors({})).toBe(false)
  // A build machine keeps its logs in files.
  expect(hasColors({}, { CI: 'true' })).toBe(false)
})

it('goes by what the user says', () => {
  expect(hasColors(terminal, { NO_COLOR: '1' })).toBe(false)
  expect(hasColors(terminal, { NO_COLOR: '' })).toBe(true)
  expect(hasColors(terminal, { TERM: 'dumb' })).toBe(false)
  expect(hasColors({}, { FORCE_COLOR: '1' })).toBe(true)
  expect(hasColors(terminal, { FORCE_COLOR: '0' })).toBe(false)
  expect(hasColors(terminal, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false)
})

it('is as wide as the terminal within reason, else 80 columns', () => {
  expect(paperOf(terminal, {}).width).toBe(100)
  expect(paperOf({}, {}).width).toBe(80)
  // As under `script`, or in a container.
  expect(paperOf({ isTTY: true, columns: 0 }, {}).width).toBe(80)
  expect(paperOf({ isTTY: true, columns: 10 }, {}).width).toBe(40)
  expect(paperOf({ isTTY: true, columns: 400 }, {}).width).toBe(120)
})
