/**
 * The last line of the screen.
 */
import { columnsOf, cutMiddle, type Line, span } from './cells.ts'
import type { Scene } from './scene.ts'

/** What was done, or else the keys: as many as fit. */
export function footerLine(scene: Scene): Line {
  const { bold, dim, green, red } = scene.colors
  const { frozen, help, instance, nodes, notice, sort, unit } = scene.model
  if (notice !== undefined) {
    const text = cutMiddle(span(notice.text).text, scene.columns)
    return [span(text, notice.isError ? red : green)]
  }
  const isList = help === undefined && instance === undefined
  // With the rank by which they go where there is no room.
  const all: readonly (readonly [key: string, what: string, rank: number])[] = [
    ['↑↓', help === undefined ? 'select' : 'scroll', 1],
    isList ? ['Enter', 'instances', 4] : ['Esc', 'back', 9],
    ...(help === undefined
      ? ([
          ['s', `sort: ${sort}`, 6],
          ['u', unit === undefined ? 'unit' : `unit: ${unit}`, 3],
          ['f', frozen === undefined ? 'freeze' : 'go on', frozen === undefined ? 5 : 8],
          ['w', 'save', 2],
          ...(nodes.length > 1 ? ([['Tab', 'node', 7]] as const) : []),
        ] as const)
      : []),
    ['?', 'help', 10],
    ['q', 'quit', 11],
  ]
  const left = [...all]
  const width = (): number =>
    left.reduce((sum, [key, what]) => sum + columnsOf(key) + 1 + columnsOf(what) + 2, -2)
  while (width() > scene.columns && left.length > 2) {
    const lowest = Math.min(...left.map(([, , rank]) => rank))
    left.splice(
      left.findIndex(([, , rank]) => rank === lowest),
      1,
    )
  }
  return left.flatMap(([key, what], index) => [
    ...(index === 0 ? [] : [{ text: '  ' }]),
    span(key, bold),
    span(` ${what}`, dim),
  ])
}
