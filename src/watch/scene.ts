/**
 * What every part of the screen is drawn from.
 */
import { toDouble } from '../analysis/integer.ts'
import type { Integer } from '../analysis/snapshot.ts'
import type { Moment } from '../analysis/timeline.ts'
import { inUnit } from '../analysis/unit.ts'
import { formatPercentage, formatSize, NONE } from '../present/figures.ts'
import type { Colors } from '../present/paper.ts'
import { type Line, type Span, span } from './cells.ts'
import type { Look } from './look.ts'
import { type Model, shownNode, type WatchedNode } from './model.ts'
import type { Point } from './sparkline.ts'
import { clockTime } from './times.ts'

/** Below this many rows only what matters most is shown, each in one line. */
export const ROOMY = 16

/** From this many rows on there is room for headings and empty lines. */
export const COMFORTABLE = 20

export const EMPTY: Line = []

export class Scene {
  readonly model: Model
  readonly colors: Colors
  readonly columns: number
  readonly rows: number
  readonly node: WatchedNode | undefined
  readonly look: Look | undefined

  constructor(model: Model, colors: Colors) {
    this.model = model
    this.colors = colors
    this.columns = model.size.columns
    this.rows = model.size.rows
    this.node = shownNode(model)
    this.look = this.node?.look
  }

  /** What was true a while ago is not as bright as what is. */
  get isStale(): boolean {
    return this.node?.failure !== undefined
  }

  /** In the unit that was chosen. */
  size(bytes: Integer | undefined): string {
    const { unit } = this.model
    return bytes === undefined ? NONE : formatSize(inUnit(bytes, unit ?? 'byte'), unit)
  }

  figure(text: string, paint?: (text: string) => string): Span {
    return span(text, this.isStale ? this.colors.dim : paint)
  }
}

export function percentage(ratio: number | undefined): string {
  return ratio === undefined ? NONE : formatPercentage(ratio)
}

/** Nothing where the figure is not known. */
export function pointOf({ time }: Moment, value: Integer | undefined): readonly Point[] {
  return value === undefined ? [] : [{ time, value: toDouble(value) }]
}

/** Of a column that shows how something was, the first that fits. */
export function sinceTitles(what: string, time: number | undefined): readonly string[] {
  if (time === undefined) return []
  return [`${what}since ${clockTime(time)}`, `since ${clockTime(time)}`, 'over time', what.trim()]
}
