/**
 * What is the matter with the node, in words.
 */
import { VERDICT_COLORS } from '../present/verdict-colors.ts'
import { type Line, padEnd, spaces, span, wrapColumns } from './cells.ts'
import { COMFORTABLE, EMPTY, ROOMY, type Scene } from './scene.ts'

/** From this many rows on, some may stay empty. */
const STEADY = 24

/** From this many columns on, two lines hold any sentence. */
const WIDE = 120

/** The verdict in words, or why there is none of now. */
export function verdictLines(scene: Scene): readonly Line[] {
  const { bold, cyan, dim, red } = scene.colors
  const { failure, look, name } = scene.node ?? { name: '' }
  const maxLines = mostLines(scene)
  const paragraph = (label: string, paint: (text: string) => string, text: string) =>
    labelled(label, paint, text, { columns: scene.columns, maxLines })
  if (failure !== undefined) {
    return [
      ...paragraph('no answer', (text) => bold(red(text)), ` – ${failure.message}`),
      ...(failure.hint === undefined ? [] : paragraph('hint:', cyan, ` ${failure.hint}`)),
    ]
  }
  if (look === undefined) return [[span(`asking ${name} …`, dim)]]
  const paint = VERDICT_COLORS[look.verdict](scene.colors)
  const lines = paragraph(look.verdict, (text) => bold(paint(text)), ` – ${look.reason}`)
  // What stands below stays in its place when a figure in the sentence gets longer.
  const lacking = scene.rows >= STEADY ? maxLines - lines.length : 0
  return [...lines, ...Array.from({ length: lacking }, () => EMPTY)]
}

function mostLines({ columns, rows }: Scene): number {
  if (rows < ROOMY) return 1
  return rows < COMFORTABLE || columns >= WIDE ? 2 : 3
}

/** What begins with a word that is painted, broken into lines. */
function labelled(
  label: string,
  paint: (text: string) => string,
  text: string,
  { columns, maxLines }: { readonly columns: number; readonly maxLines: number },
): readonly Line[] {
  const [first = '', ...rest] = wrapColumns(span(label + text).text, columns, maxLines)
  return [
    [{ text: first.slice(0, label.length), paint }, { text: first.slice(label.length) }],
    ...rest.map((line) => [{ text: line }]),
  ]
}

/** Where there is room, what the diagnosis found, the gravest first: all, or as many as fit, and of how many. */
export function findingLines(scene: Scene, height: number): readonly Line[] {
  const findings = scene.look?.findings ?? []
  if (height < 3 || findings.length === 0) return []
  const { bold, dim, red, yellow } = scene.colors
  const paint = { critical: red, warning: yellow, info: dim } as const
  const lines: Line[] = []
  let shown = 0
  for (const { severity, summary } of findings) {
    const label = padEnd(severity, 8)
    const width = scene.columns - label.length - 2
    const text = wrapColumns(span(summary).text, Math.max(10, width), 3)
    if (2 + lines.length + text.length > height) break
    shown++
    lines.push(
      ...text.map((part, index) => [
        span(`  ${index === 0 ? label : spaces(label.length)}`, paint[severity]),
        scene.figure(part),
      ]),
    )
  }
  if (shown === 0) return []
  const place = shown < findings.length ? `  ${shown} of ${findings.length}` : ''
  return [EMPTY, [span('Findings', scene.isStale ? dim : bold), span(place, dim)], ...lines]
}
