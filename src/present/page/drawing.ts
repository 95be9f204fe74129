/**
 * A chart as a drawing that stands in the page: where no script runs, and on paper.
 */
import { formatSize } from '../figures.ts'
import type { Chart, Series } from './charts.ts'
import { type Html, html } from './html.ts'

const WIDTH = 800
const HEIGHT = 220
/** On the left there is room for the sizes as a narrow window has them. */
const MARGIN = { top: 20, right: 12, bottom: 30, left: 108 }

/** How many lines stand across, with their sizes. */
const LINES = 4

/** More points than this cannot be told apart; of those that fall together the extremes are drawn. */
const MAX_POINTS = 400

export function drawing({ title, times, series, marks, limit }: Chart): Html {
  const first = times[0] ?? 0
  const last = times.at(-1) ?? first
  const values = series.flatMap((each) => each.values.filter((value) => value !== null))
  // Of less than a byte nobody is told.
  const highest = Math.max(LINES, ...values, limit?.bytes ?? 0)
  const top = roundUp(highest)
  const x = (time: number): number =>
    MARGIN.left +
    ((time - first) / Math.max(1, last - first)) * (WIDTH - MARGIN.left - MARGIN.right)
  const y = (bytes: number): number =>
    HEIGHT - MARGIN.bottom - (bytes / top) * (HEIGHT - MARGIN.top - MARGIN.bottom)
  const right = WIDTH - MARGIN.right
  return html`<svg class="drawing" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: the same as in the table below">
${Array.from({ length: LINES + 1 }, (_, index) => (top / LINES) * index).map(
  (bytes) =>
    html`<line class="grid" x1="${MARGIN.left}" y1="${place(y(bytes))}" x2="${right}" y2="${place(y(bytes))}"/><text class="tick" x="${MARGIN.left - 8}" y="${place(y(bytes) + 4)}" text-anchor="end">${formatSize(bytes)}</text>`,
)}
<text class="tick" x="${MARGIN.left}" y="${HEIGHT - 6}">${clock(first, first, last)}</text>
<text class="tick" x="${right}" y="${HEIGHT - 6}" text-anchor="end">${clock(last, first, last)}</text>
${marks.map(
  ({ time }, index) =>
    html`<line class="occasion" x1="${place(x(time))}" y1="${MARGIN.top}" x2="${place(x(time))}" y2="${HEIGHT - MARGIN.bottom}"/><text class="tick" x="${place(x(time) + 4)}" y="${HEIGHT / 2}">${index + 1}</text>`,
)}
${
  limit === undefined
    ? undefined
    : html`<line class="limit" x1="${MARGIN.left}" y1="${place(y(limit.bytes))}" x2="${right}" y2="${place(y(limit.bytes))}"/><text class="tick" x="${right}" y="${place(y(limit.bytes) - 4)}" text-anchor="end">${limit.label}</text>`
}
${series.map(
  (each, index) => html`<path class="line series-${index}" d="${path(times, each, x, y)}"/>`,
)}
</svg>`
}

/** Gaps stay gaps. */
function path(
  times: readonly number[],
  { values }: Series,
  x: (time: number) => number,
  y: (bytes: number) => number,
): string {
  let isDrawing = false
  let text = ''
  for (const index of drawn(values)) {
    const value = values[index] ?? null
    const time = times[index]
    if (value === null || time === undefined) {
      isDrawing = false
      continue
    }
    text += `${isDrawing ? 'L' : 'M'}${place(x(time))} ${place(y(value))}`
    isDrawing = true
  }
  return text
}

/** Which of the values are drawn: of each so many the least and the most, in order. */
function drawn(values: Series['values']): readonly number[] {
  if (values.length <= MAX_POINTS) return values.map((_, index) => index)
  const step = Math.ceil(values.length / (MAX_POINTS / 2))
  const chosen: number[] = []
  for (let start = 0; start < values.length; start += step) {
    const indices = values.slice(start, start + step).map((_, index) => start + index)
    const known = indices.filter((index) => values[index] !== null)
    if (known.length === 0) {
      chosen.push(start)
      continue
    }
    const of = (index: number): number => values[index] ?? 0
    const least = known.reduce((best, index) => (of(index) < of(best) ? index : best))
    const most = known.reduce((best, index) => (of(index) > of(best) ? index : best))
    chosen.push(...new Set([Math.min(least, most), Math.max(least, most)]))
  }
  return chosen
}

/** A quarter of it is a round figure of some binary unit. */
function roundUp(bytes: number): number {
  const unit = 1024 ** Math.floor(Math.log2(bytes) / 10)
  const amount = bytes / unit
  // What is beyond would be written in the next unit, where it is not round.
  if (amount > 800) return 1024 * unit
  const magnitude = 10 ** Math.floor(Math.log10(amount))
  const steps = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10]
  const step = steps.find((each) => each * magnitude >= amount) ?? 10
  return step * magnitude * unit
}

function place(value: number): string {
  return value.toFixed(1)
}

const DAY = 24 * 60 * 60 * 1000

/** Of a day the hour is enough; of less than ten minutes the seconds count. */
function clock(time: number, first: number, last: number): string {
  const iso = new Date(time).toISOString()
  if (last - first > DAY) return iso.slice(0, 16).replace('T', ' ')
  return last - first > 600_000 ? iso.slice(11, 16) : iso.slice(11, 19)
}
