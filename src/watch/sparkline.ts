/**
 * Figures over time on one line: as many columns as there are, each as high as the largest figure in its time.
 */

/** A figure at a moment, in milliseconds since 1970. */
export interface Point {
  readonly time: number
  readonly value: number
}

const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** So many points may be what is left of more: then they are farther from each other, by no more than this times. */
const THINNED = 100
const UNEVENNESS = 8

/** A time in which nothing is known. */
const GAP = ' '

/** An answer that is late by so many turns, or so many milliseconds, leaves no gap. */
const PATIENCE_TURNS = 3
const PATIENCE = 10_000

/** What changes by less than this part of itself does not fill the height, nor draw the eye. */
const CALM = 0.1

/**
 * From the lowest figure to the highest, the newest at the right. A column stands for one interval, or for so
 * many of them that all the time fits; peaks stay, since the largest figure is drawn.
 */
export function sparkline(points: readonly Point[], columns: number, interval: number): string {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined || columns < 1) return ''
  // The middle of an interval, so that an answer which is early or late by a little stays in its column.
  const turnOf = ({ time }: Point): number => Math.floor((time - first.time) / interval + 0.5)
  const turns = Math.ceil((turnOf(last) + 1) / columns)
  const columnOf = (point: Point): number => Math.floor(turnOf(point) / turns)
  const apart = points.length < THINNED ? 0 : (UNEVENNESS * turnOf(last)) / points.length
  const patience = Math.ceil(Math.max(PATIENCE_TURNS, PATIENCE / interval, apart) / turns)
  const lowest = Math.min(...points.map(({ value }) => value))
  const highest = Math.max(...points.map(({ value }) => value))
  const range = Math.max(highest - lowest, highest * CALM)
  const heights = new Map<number, number>()
  for (const point of points) {
    const column = columnOf(point)
    heights.set(column, Math.max(point.value, heights.get(column) ?? lowest))
  }
  let text = ''
  let before: number | undefined
  let age = 0
  for (let column = 0; column <= columnOf(last); column++) {
    const height = heights.get(column)
    age = height === undefined ? age + 1 : 0
    before = height ?? (age > patience ? undefined : before)
    text += before === undefined ? GAP : levelOf(before - lowest, range)
  }
  return text
}

function levelOf(above: number, range: number): string {
  const share = range > 0 ? above / range : 0
  return LEVELS[Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length))] ?? LEVELS[0]
}
