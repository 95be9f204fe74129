/**
 * The allocators of the node, or the instances of one.
 */
import { toDouble } from '../analysis/integer.ts'
import type { Integer } from '../analysis/snapshot.ts'
import type { Moment } from '../analysis/timeline.ts'
import { NONE } from '../present/figures.ts'
import { type Line, type Span, span } from './cells.ts'
import type { AllocatorRow, Row } from './look.ts'
import { allocatorRows, instanceRows, selectedAllocator } from './model.ts'
import { percentage, pointOf, type Scene, sinceTitles } from './scene.ts'
import { type Point, sparkline } from './sparkline.ts'
import { type DrawnColumn, layOut, type TableColumn, windowOf } from './table.ts'

/** Of all waste, the part from which on an allocator is worth a look. */
const MUCH = 0.05

/** An allocator with its figures, or an instance. */
interface TableRow {
  readonly row: Row
  readonly name: string
  /** `undefined` for an instance. */
  readonly allocator: AllocatorRow | undefined
}

/** What is in the table: the rows that can be selected, and one above them that says whose instances they are. */
interface Rows {
  readonly head: readonly TableRow[]
  readonly rows: readonly TableRow[]
  /** -1 where there is none. */
  readonly selected: number
}

/** The allocators; or the instances of one, below it. */
export function allocatorLines(scene: Scene, height: number): readonly Line[] {
  const { dim } = scene.colors
  const { head, rows, selected } = rowsOf(scene)
  const { start, visible } = windowOf(rows, selected, Math.max(0, height - 1 - head.length))
  if (height < 2) return []
  const isPart = visible.length > 0 && visible.length < rows.length
  const place = isPart ? ` ${start + 1}–${start + visible.length}/${rows.length}` : ''
  const title = `  ${head.length > 0 ? 'instance' : 'allocator'}${place}`
  const { header, line } = layOut(
    [...head, ...rows],
    [nameColumn(scene, title, rows[selected]), ...figureColumns(scene)],
    scene.columns,
    dim,
    wasteColumn(scene),
  )
  const none: Line = [span('  no instance of it holds anything beyond what it always has', dim)]
  return [
    header,
    ...head.map(line),
    ...visible.map(line),
    ...(head.length > 0 && rows.length === 0 ? [none] : []),
  ].slice(0, height)
}

function rowsOf({ model }: Scene): Rows {
  const chosen = selectedAllocator(model)
  const allocatorRow = (row: AllocatorRow): TableRow => ({ row, name: row.name, allocator: row })
  if (model.instance === undefined || chosen === undefined) {
    const rows = allocatorRows(model).map(allocatorRow)
    return { head: [], rows, selected: rows.findIndex(({ row }) => row === chosen) }
  }
  const rows = instanceRows(model).map((row) => {
    const name = row.name === '0' ? '0 no scheduler' : row.name
    return { row, name, allocator: undefined }
  })
  return { head: [allocatorRow(chosen)], rows, selected: Math.min(model.instance, rows.length - 1) }
}

function nameColumn(
  { colors: { bold, cyan } }: Scene,
  title: string,
  selected: TableRow | undefined,
): TableColumn<TableRow> {
  return {
    title,
    align: 'left',
    atLeast: 15,
    cell: (it) =>
      it === selected ? span(`▸ ${it.name}`, (text) => bold(cyan(text))) : span(`  ${it.name}`),
  }
}

function figureColumns(scene: Scene): readonly TableColumn<TableRow>[] {
  const { bold, dim } = scene.colors
  const size =
    (of: (row: Row) => Integer) =>
    ({ row }: TableRow): Span => {
      const bytes = of(row)
      return scene.figure(scene.size(bytes), bytes === 0 ? dim : undefined)
    }
  const align = 'right'
  return [
    { title: 'allocated', align, rank: 3, cell: size(({ allocated }) => allocated) },
    { title: 'used', align, atLeast: 8, rank: 2, cell: size(({ used }) => used) },
    {
      title: 'usage',
      align,
      atLeast: 6,
      rank: 4,
      cell: ({ row }) =>
        row.allocated === 0 ? span(NONE, dim) : scene.figure(percentage(row.usage)),
    },
    {
      title: 'waste',
      align,
      atLeast: 8,
      cell: ({ row, allocator }) => {
        const paint = row.waste === 0 ? dim : isMuch(scene, row) ? bold : undefined
        return scene.figure(scene.size(row.waste), severityPaint(scene, allocator) ?? paint)
      },
    },
    { title: 'pooled', align, atLeast: 8, rank: 1, cell: size(({ pooled }) => pooled) },
  ]
}

function wasteColumn(scene: Scene): DrawnColumn<TableRow> {
  const { cyan, dim } = scene.colors
  const moments = scene.node?.moments ?? []
  return {
    titles: sinceTitles('waste ', moments[0]?.time),
    atLeast: 8,
    cell: ({ allocator, row }, columns) => {
      if (allocator === undefined) return span('')
      const drawn = sparkline(wasteOver(moments, row.name), columns, scene.model.interval)
      const paint = isMuch(scene, row) ? cyan : dim
      return scene.figure(drawn, severityPaint(scene, allocator) ?? paint)
    },
  }
}

function isMuch({ look }: Scene, { waste }: Row): boolean {
  return waste !== 0 && toDouble(waste) >= MUCH * toDouble(look?.waste ?? 0)
}

/** `undefined` where nothing is the matter with it. */
function severityPaint(
  { colors: { red, yellow } }: Scene,
  allocator: AllocatorRow | undefined,
): ((text: string) => string) | undefined {
  if (allocator?.severity === 'critical') return red
  return allocator?.severity === 'warning' ? yellow : undefined
}

function wasteOver(moments: readonly Moment[], name: string): readonly Point[] {
  return moments.flatMap((moment) =>
    pointOf(moment, moment.allocators.find(({ allocator }) => allocator === name)?.waste),
  )
}
