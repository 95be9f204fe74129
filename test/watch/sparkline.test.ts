/** Figures over time on one line. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Timeline } from '../../src/analysis/timeline.ts'
import { type Point, sparkline } from '../../src/watch/sparkline.ts'

/** One each second. */
function points(...values: readonly number[]): readonly Point[] {
  return values.map((value, index) => ({ time: 1_000_000 + index * 1000, value }))
}

const SECOND = 1000

it('is empty where nothing is known, and where there is no room', () => {
  expect(sparkline([], 10, SECOND)).toBe('')
  expect(sparkline(points(1), 0, SECOND)).toBe('')
})

it('runs from the lowest figure to the highest', () => {
  expect(sparkline(points(10, 11, 12, 13, 14, 15, 16, 17), 10, SECOND)).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline(points(0, 5, 10, 5, 0), 10, SECOND)).toBe('▁▅█▅▁')
})

it('is flat for what hardly changes', () => {
  expect(sparkline(points(0, 0, 0), 10, SECOND)).toBe('▁▁▁')
  expect(sparkline(points(1000, 1001, 1002, 1000), 10, SECOND)).toBe('▁▁▁▁')
})

it('does not fill its height with a small change', () => {
  expect(sparkline(points(950, 1000), 10, SECOND)).toBe('▁▅')
  expect(sparkline(points(900, 1000), 10, SECOND)).toBe('▁█')
})

it('keeps the peak where a column stands for several samples', () => {
  const values = Array.from({ length: 40 }, (_, index) => (index === 17 ? 100 : 1))
  const text = sparkline(points(...values), 10, SECOND)
  expect(text).toHaveLength(10)
  expect(text.match(/█/g)).toHaveLength(1)
})

it('carries a figure over a late answer, and leaves a gap where nothing came for long', () => {
  const [first, second, third] = [
    { time: 0, value: 0 },
    { time: 3_000, value: 8 },
    { time: 20_000, value: 8 },
  ]
  expect(sparkline([first, second], 40, SECOND)).toBe('▁▁▁█')
  expect(sparkline([first, second, third], 40, SECOND)).toBe(`▁▁▁${'█'.repeat(11)}      █`)
  expect(sparkline([first, second, third], 7, SECOND)).toBe('▁██████')
  const minute = 60_000
  const slow = [first, { time: 3 * minute, value: 8 }, { time: 8 * minute, value: 8 }]
  expect(sparkline(slow, 40, minute)).toBe('▁▁▁████ █')
})

/** How many pieces are drawn of so many hours, a sample every two seconds, without those that are left out. */
function pieces(hours: number, columns: number, isSilent: (share: number) => boolean): number {
  const timeline = new Timeline(600)
  for (let second = 0; second < hours * 3600; second += 2) {
    if (isSilent(second / hours / 3600)) continue
    // Each has its extremes at times of its own, so that few moments stand for much time.
    const [used = 0, waste = 0, resident] = [7, 11, 13].map((it) => 1e6 + ((second * it) % 9973))
    const time = second * SECOND
    timeline.add({ time, resident, allocated: 3e6, used, waste, allocators: [] })
  }
  const course = timeline.moments.map(({ time, waste }) => ({ time, value: Number(waste) }))
  return sparkline(course, columns, 2 * SECOND)
    .trim()
    .split(/ +/).length
}

it('has no gaps where moments were thinned out, but one where there was none for long', () => {
  expect(pieces(16.5, 270, () => false)).toBe(1)
  for (const columns of [14, 46, 270]) {
    expect(pieces(16.5, columns, (share) => share > 0.4 && share < 0.6)).toBe(2)
  }
})

it('does not move when answers are early or late by a little', () => {
  const late = points(1, 5, 9, 5).map(({ time, value }, index) => ({
    time: time + (index % 2 === 0 ? -0.3 : 0.3) * SECOND * Math.sign(index),
    value,
  }))
  expect(sparkline(late, 10, SECOND)).toBe(sparkline(points(1, 5, 9, 5), 10, SECOND))
})

it('is never wider than it may be', () => {
  const figure = fc.record({
    time: fc.integer({ min: 0, max: 10_000_000 }),
    value: fc.double({ min: 0, max: 2 ** 60, noNaN: true }),
  })
  fc.assert(
    fc.property(
      fc.array(figure, { maxLength: 60 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 100, max: 60_000 }),
      (unordered, columns, interval) => {
        const ordered = unordered.sort((left, right) => left.time - right.time)
        const text = sparkline(ordered, columns, interval)
        expect(text.length).toBeLessThanOrEqual(columns)
        expect(text).toMatch(/^[▁▂▃▄▅▆▇█ ]*$/)
      },
    ),
  )
})
