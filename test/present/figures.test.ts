import { expect, it } from 'vitest'
import {
  counted,
  formatCount,
  formatPercentage,
  formatRatio,
  formatSize,
} from '../../src/present/figures.ts'

it.each<readonly [bytes: number | bigint, text: string]>([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '0.98 KiB'],
  [1024, '1.00 KiB'],
  [7362.33, '7.19 KiB'],
  [10_240, '10.0 KiB'],
  [102_349, '100 KiB'],
  [1_048_575, '1.00 MiB'],
  [98.2 * 2 ** 20, '98.2 MiB'],
  [1_473_875_968, '1.37 GiB'],
  [2n ** 64n - 1n, '16.0 EiB'],
  [-(2 ** 20), '-1.00 MiB'],
])('%d bytes read as %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text)
})

it('leaves a size in the unit that was chosen, without a name', () => {
  expect(formatSize(1_473_875_968, 'byte')).toBe('1,473,875,968')
  expect(formatSize(2n ** 64n, 'byte')).toBe('18,446,744,073,709,551,616')
  expect(formatSize(1405.59765625, 'megabyte')).toBe('1,405.598')
})

it('groups the digits of counts', () => {
  expect(formatCount(1234)).toBe('1,234')
  expect(formatCount(9_007_199_254_740_993n)).toBe('9,007,199,254,740,993')
})

it('writes ratios of parts as percentages, and of counts as numbers', () => {
  expect(formatPercentage(0.0727)).toBe('7.3%')
  expect(formatPercentage(Number.POSITIVE_INFINITY)).toBe('∞')
  expect([0, 0.0005, 0.1111, 3, Number.POSITIVE_INFINITY].map(formatRatio)).toEqual([
    '0',
    '<0.001',
    '0.111',
    '3.000',
    '∞',
  ])
})

it.each([
  [0, '0 nodes'],
  [1, '1 node'],
  [1n, '1 node'],
  [1_200, '1,200 nodes'],
])('counts %s nodes as %j', (count, text) => {
  expect(counted(count, 'node')).toBe(text)
})
