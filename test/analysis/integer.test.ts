import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { add, compare, divide, multiply, subtract, toDouble } from '../../src/analysis/integer.ts'

const arbitraryInteger = fc
  .oneof(fc.bigInt(), fc.maxSafeInteger().map(BigInt))
  .map((integer) => (Number.isSafeInteger(Number(integer)) ? Number(integer) : integer))

describe('integers', () => {
  it('are added, subtracted and multiplied exactly, and are numbers while they are safe', () => {
    fc.assert(
      fc.property(arbitraryInteger, arbitraryInteger, (a, b) => {
        for (const [result, exact] of [
          [add(a, b), BigInt(a) + BigInt(b)],
          [subtract(a, b), BigInt(a) - BigInt(b)],
          [multiply(a, b), BigInt(a) * BigInt(b)],
        ] as const) {
          expect(BigInt(result)).toBe(exact)
          expect(typeof result).toBe(Number.isSafeInteger(Number(exact)) ? 'number' : 'bigint')
        }
      }),
    )
  })

  it('leave the safe range at 2^53', () => {
    expect(add(Number.MAX_SAFE_INTEGER, 1)).toBe(2n ** 53n)
    expect(subtract(2n ** 53n, 1)).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('are compared exactly where doubles would be equal', () => {
    expect(compare(2n ** 53n, 2n ** 53n + 1n)).toBe(-1)
    expect(compare(2 ** 53, 2n ** 53n + 1n)).toBe(-1)
    expect(compare(5, 5)).toBe(0)
  })
})

describe('the double of an integer', () => {
  // From `io:format("~w", [X / 1])` on OTP 29.
  it('is the nearest', () => {
    expect(toDouble(2n ** 53n + 1n)).toBe(2 ** 53)
    expect(toDouble(2n ** 53n + 3n)).toBe(2 ** 53 + 4)
    expect(toDouble(2n ** 64n - 1n)).toBe(2 ** 64)
    expect(toDouble(-(2n ** 53n + 3n))).toBe(-(2 ** 53 + 4))
    expect(toDouble(0x10000000000000800000000000000001n)).toBe(2.126764793255866e37)
  })

  it('is made of each operand before division', () => {
    expect(divide(2n ** 53n + 1n, 1)).toBe(2 ** 53)
    expect(divide(1, 3)).toBe(1 / 3)
  })
})
