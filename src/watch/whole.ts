/**
 * What the node holds as a whole: now, over time, and how it changed.
 */
import { compare, subtract, toDouble } from '../analysis/integer.ts'
import type { Integer } from '../analysis/snapshot.ts'
import type { Moment } from '../analysis/timeline.ts'
import { usage } from '../analysis/usage.ts'
import { formatPercentage, NONE } from '../present/figures.ts'
import { columnsOfLine, type Line, span } from './cells.ts'
import type { Look } from './look.ts'
import { COMFORTABLE, EMPTY, percentage, pointOf, ROOMY, type Scene, sinceTitles } from './scene.ts'
import { sparkline } from './sparkline.ts'
import { layOut, type TableColumn } from './table.ts'

/** One of the figures. */
interface WholeFigure {
  readonly name: string
  /** `undefined` where the node does not tell. */
  of(moment: Moment): Integer | undefined
  text(scene: Scene, figure: Integer): string
  change(scene: Scene, before: Integer, now: Integer): string
}

const size: Pick<WholeFigure, 'text' | 'change'> = {
  text: (scene, bytes) => scene.size(bytes),
  change: sizeChange,
}

/** Without its allocators nothing is known but what the operating system says. */
function known(of: (moment: Moment) => Integer): WholeFigure['of'] {
  return (moment) => (moment.allocators.length === 0 ? undefined : of(moment))
}

const FIGURES: readonly WholeFigure[] = [
  {
    name: 'usage',
    of: known(({ used, allocated }) => usage(used, allocated)),
    text: (_, ratio) => formatPercentage(toDouble(ratio)),
    change: (_, before, now) => signedPercentage(toDouble(now) - toDouble(before)),
  },
  { name: 'allocated', of: known(({ allocated }) => allocated), ...size },
  { name: 'used', of: known(({ used }) => used), ...size },
  { name: 'resident', of: ({ resident }) => resident, ...size },
  { name: 'waste', of: known(({ waste }) => waste), ...size },
]

/** Narrower than this, how figures were is worth more than by how much they changed. */
const NARROW = 60

/** Usage, allocated, used, resident and waste: now, over time, and how they changed. */
export function figureLines(scene: Scene): readonly Line[] {
  const { look, node, rows } = scene
  const moments = node?.moments ?? []
  const [first] = moments
  if (look === undefined || first === undefined) return []
  if (rows < ROOMY) return [inBrief(scene, look)]
  const { bold, cyan, dim } = scene.colors
  const columns: readonly TableColumn<WholeFigure>[] = [
    { title: '', align: 'left', atLeast: 9, cell: ({ name }) => span(name, dim) },
    {
      title: 'now',
      align: 'right',
      atLeast: 9,
      cell: ({ of, text }) => {
        const now = of(look.moment)
        return scene.figure(now === undefined ? NONE : text(scene, now), bold)
      },
    },
    {
      title: 'change',
      align: 'right',
      atLeast: 9,
      cell: ({ of, change }) => {
        const [before, now] = [of(first), of(look.moment)]
        const isKnown = before !== undefined && now !== undefined && moments.length > 1
        return span(isKnown ? change(scene, before, now) : '', dim)
      },
    },
  ]
  const { header, line } = layOut(
    FIGURES,
    scene.columns < NARROW ? columns.slice(0, 2) : columns,
    scene.columns,
    dim,
    {
      titles: sinceTitles('', first.time),
      atLeast: 8,
      cell: ({ of }, width) => {
        const points = moments.flatMap((moment) => pointOf(moment, of(moment)))
        return scene.figure(sparkline(points, width, scene.model.interval), cyan)
      },
    },
  )
  const lines = FIGURES.map(line)
  return rows < COMFORTABLE ? lines : [header, ...lines, EMPTY]
}

/** On one line, as many as fit. */
function inBrief(scene: Scene, look: Look): Line {
  const { bold, dim } = scene.colors
  const all: readonly (readonly [string, string])[] = [
    ['waste', scene.size(look.waste)],
    ['usage', percentage(look.usage)],
    ['allocated', scene.size(look.allocated)],
    ['resident', scene.size(look.resident)],
    ['used', scene.size(look.used)],
  ]
  let line: Line = []
  for (const [name, figure] of all) {
    const longer = [
      ...line,
      span(`${line.length === 0 ? '' : '  '}${name} `, dim),
      scene.figure(figure, bold),
    ]
    if (columnsOfLine(longer) > scene.columns) break
    line = longer
  }
  return line
}

function sizeChange(scene: Scene, before: Integer, now: Integer): string {
  const isMore = compare(now, before) > 0
  const text = scene.size(isMore ? subtract(now, before) : subtract(before, now))
  return signed(text, isMore, scene.size(0))
}

function signedPercentage(difference: number): string {
  return signed(formatPercentage(Math.abs(difference)), difference > 0, formatPercentage(0))
}

/** Without a sign where it is rounded to nothing. */
function signed(text: string, isMore: boolean, nothing: string): string {
  return text === nothing ? text : `${isMore ? '+' : '−'}${text}`
}
