/**
 * The screen as lines: what stands where, by how many columns and rows there are.
 */
import type { Colors } from '../present/paper.ts'
import { allocatorLines } from './allocator-table.ts'
import { ascii, cutLine, type Line } from './cells.ts'
import { footerLine } from './footer.ts'
import { helpLines } from './help.ts'
import { bodyRows, type Model } from './model.ts'
import { nodeLines } from './node-list.ts'
import { EMPTY, Scene } from './scene.ts'
import { titleLine } from './title.ts'
import { findingLines, verdictLines } from './verdict.ts'
import { figureLines } from './whole.ts'

/** What the terminal can show. */
export interface Style {
  readonly colors: Colors
  /** Where nothing says that it takes UTF-8. */
  readonly isAscii: boolean
}

/** As many lines as there are rows, none of them wider than the terminal, painted. */
export function frameText(model: Model, style: Style): readonly string[] {
  const { columns } = model.size
  return frame(model, style).map((line) =>
    cutLine(line, columns)
      .map(({ text, paint }) => {
        const shown = style.isAscii ? ascii(text) : text
        return paint === undefined || shown === '' ? shown : paint(shown)
      })
      .join(''),
  )
}

function frame(model: Model, { colors }: Style): readonly Line[] {
  const scene = new Scene(model, colors)
  const { columns, rows } = scene
  const height = bodyRows(model.size)
  const body =
    model.help === undefined
      ? bodyLines(scene, height)
      : helpLines(columns, height, model.help, colors)
  const filler = Array.from({ length: Math.max(0, height - body.length) }, () => EMPTY)
  return [titleLine(scene), ...body, ...filler, footerLine(scene)].slice(0, Math.max(1, rows))
}

function bodyLines(scene: Scene, height: number): readonly Line[] {
  const lines = [...nodeLines(scene), ...verdictLines(scene), ...figureLines(scene)]
  if (scene.look === undefined) return lines.slice(0, height)
  const table = allocatorLines(scene, Math.max(0, height - lines.length))
  const left = height - lines.length - table.length
  return [...lines, ...table, ...findingLines(scene, left)].slice(0, height)
}
