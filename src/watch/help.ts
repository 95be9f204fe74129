/**
 * What the keys do, and what the figures mean.
 */
import type { Colors } from '../present/paper.ts'
import { columnsOf, type Line, padEnd, span, wrapColumns } from './cells.ts'
import { KEYS } from './keys.ts'

/** In the words of the other commands. */
const FIGURES: readonly (readonly [figure: string, meaning: string])[] = [
  ['allocated', 'carriers of the allocators, taken from the operating system'],
  ['used', 'what blocks of data take of that'],
  ['usage', 'used through allocated; an idle node has 33% to 64%'],
  [
    'waste',
    'unused in multiblock carriers above what an idle node has too, and in single-block carriers: what ' +
      'fragmentation costs',
  ],
  ['pooled', 'of allocated, carriers that were abandoned, free for other schedulers to take'],
  ['resident', 'what the operating system reports of the process'],
]

const SPARKLINES =
  'Sparklines run from the lowest figure of that time to the highest, the newest at the right; a ' +
  'change of less than a tenth fills less of the height. Where there are more samples than columns, the largest are drawn.'

/** So many lines at most, from `scrolled` on. */
export function helpLines(
  columns: number,
  height: number,
  scrolled: number,
  colors: Colors,
): readonly Line[] {
  const start = Math.min(scrolled, farthestHelp(columns, height))
  return allLines(columns, colors).slice(start, start + height)
}

/** From which line on so many show its end. */
export function farthestHelp(columns: number, height: number): number {
  return Math.max(0, allLines(columns, PLAIN).length - height)
}

const PLAIN: Pick<Colors, 'bold' | 'cyan' | 'dim'> = { bold: String, cyan: String, dim: String }

function allLines(columns: number, { bold, cyan, dim }: typeof PLAIN): readonly Line[] {
  return [
    [],
    [span('Keys', bold)],
    ...list(KEYS, columns, cyan),
    [],
    [span('Figures', bold)],
    ...list(FIGURES, columns, cyan),
    [],
    ...wrapColumns(SPARKLINES, columns, Number.POSITIVE_INFINITY).map((text) => [span(text, dim)]),
  ]
}

const INDENT = 2

function list(
  items: readonly (readonly [string, string])[],
  columns: number,
  paint: (text: string) => string,
): readonly Line[] {
  const width = Math.max(...items.map(([name]) => columnsOf(name))) + 2
  return items.flatMap(([name, text]) =>
    wrapColumns(text, Math.max(10, columns - INDENT - width), 9).map((line, index) => [
      { text: ' '.repeat(INDENT) },
      span(padEnd(index === 0 ? name : '', width), paint),
      span(line),
    ]),
  )
}
