/**
 * The nodes that are watched, with the figures by which one is chosen.
 */

import { NONE } from '../present/figures.ts'
import { VERDICT_COLORS } from '../present/verdict-colors.ts'
import { justify, type Line, type Span, span } from './cells.ts'
import type { Look } from './look.ts'
import { shownNodes } from './model.ts'
import { COMFORTABLE, EMPTY, percentage, ROOMY, type Scene } from './scene.ts'
import { layOut, windowOf } from './table.ts'

/** All nodes, or as many around the selected one as fit, each with its verdict. */
export function nodeLines(scene: Scene): readonly Line[] {
  const { selected } = scene.model
  const nodes = shownNodes(scene.model)
  if (nodes.length < 2 || scene.rows < ROOMY) return []
  const { bold, cyan, dim, red } = scene.colors
  const height = Math.min(nodes.length, Math.max(2, Math.floor(scene.rows / 6)))
  const { start, visible } = windowOf(nodes, selected, height)
  const right = 'right' as const
  const rows = visible.map((node, index) => ({ node, index: start + index }))
  const figure =
    (of: (look: Look) => string) =>
    ({ node }: (typeof rows)[number]): Span =>
      span(
        node.look === undefined ? NONE : of(node.look),
        node.failure !== undefined ? dim : undefined,
      )
  const { header, line } = layOut(
    rows,
    [
      {
        title: '  ',
        align: 'left',
        cell: ({ index }) =>
          index === selected ? span(`▸ ${index + 1}`, cyan) : span(`  ${index + 1}`, dim),
      },
      {
        title: 'node',
        align: 'left',
        cell: ({ node, index }) => span(node.name, index === selected ? bold : undefined),
      },
      {
        title: 'verdict',
        align: 'left',
        atLeast: 10,
        cell: ({ node }) => {
          if (node.failure !== undefined) return span('no answer', red)
          if (node.look === undefined) return span('…', dim)
          return span(node.look.verdict, VERDICT_COLORS[node.look.verdict](scene.colors))
        },
      },
      {
        title: 'waste',
        align: right,
        atLeast: 8,
        rank: 4,
        cell: figure(({ waste }) => scene.size(waste)),
      },
      {
        title: 'usage',
        align: right,
        atLeast: 6,
        rank: 3,
        cell: figure(({ usage }) => percentage(usage)),
      },
      {
        title: 'resident',
        align: right,
        rank: 2,
        cell: figure(({ resident }) => scene.size(resident)),
      },
      {
        title: 'allocated',
        align: right,
        rank: 1,
        cell: figure(({ allocated }) => scene.size(allocated)),
      },
    ],
    scene.columns,
    dim,
  )
  const hidden = nodes.length - visible.length
  const more = hidden === 0 ? EMPTY : [span(`${hidden} more`, dim)]
  const lines = rows.map(line)
  return scene.rows < COMFORTABLE ? lines : [justify(header, more, scene.columns), ...lines, EMPTY]
}
