/**
 * The screen as lines: what stands where, by how many columns and rows there are.
 */
import { compare, subtract, toDouble } from '../analysis/integer.ts'
import type { Integer } from '../analysis/snapshot.ts'
import type { Moment } from '../analysis/timeline.ts'
import { inUnit } from '../analysis/unit.ts'
import { usage } from '../analysis/usage.ts'
import { formatPercentage, formatSize, NONE } from '../present/figures.ts'
import type { Colors } from '../present/paper.ts'
import { VERDICT_COLORS } from '../present/verdict-colors.ts'
import {
  ascii,
  columnsOf,
  columnsOfLine,
  cutLine,
  justify,
  type Line,
  padEnd,
  type Span,
  spaces,
  span,
  wrapColumns,
} from './cells.ts'
import { helpLines } from './help.ts'
import type { AllocatorRow, Look, Row } from './look.ts'
import {
  allocatorRows,
  instanceRows,
  type Model,
  selectedAllocator,
  shownNode,
  shownNodes,
  type WatchedNode,
} from './model.ts'
import { sparkline } from './sparkline.ts'
import { layOut, type TableColumn, windowOf } from './table.ts'
import { clockTime, durationText } from './times.ts'

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

/** Below this many rows only what matters most is shown, each in one line. */
const ROOMY = 16

/** From this many rows on there is room for headings and empty lines. */
const COMFORTABLE = 20

function frame(model: Model, { colors }: Style): readonly Line[] {
  const { size } = model
  const painter = new Painter(model, colors)
  const body =
    model.help === undefined
      ? painter.body(Math.max(0, size.rows - 2))
      : helpLines(size.columns, Math.max(0, size.rows - 2), model.help, colors)
  const missing = size.rows - 2 - body.length
  const filler = Array.from({ length: Math.max(0, missing) }, (): Line => [])
  return [painter.title(), ...body, ...filler, painter.footer()].slice(0, Math.max(1, size.rows))
}

/** From this many rows on, some may stay empty. */
const STEADY = 24

/** From this many columns on, two lines hold any sentence. */
const WIDE = 120

const EMPTY: Line = []

/** Of one frame. */
class Painter {
  readonly #model: Model
  readonly #colors: Colors
  readonly #columns: number
  readonly #rows: number
  readonly #node: WatchedNode | undefined

  constructor(model: Model, colors: Colors) {
    this.#model = model
    this.#colors = colors
    this.#columns = model.size.columns
    this.#rows = model.size.rows
    this.#node = shownNode(model)
  }

  /** Who, which release; when, how often, and whether it is of now. */
  title(): Line {
    const { bold, dim, inverse, red, yellow } = this.#colors
    const { frozen, interval, nodes, selected } = this.#model
    const { failure, look, name } = this.#node ?? { name: '' }
    const facts = [
      ...(nodes.length > 1 ? [`${selected + 1} of ${nodes.length}`] : []),
      ...(look?.otpRelease === undefined ? [] : [`OTP ${look.otpRelease}`]),
      ...(look?.schedulers === undefined ? [] : [`${look.schedulers} schedulers`]),
    ]
    const every = this.#columns < 60 ? '' : `  every ${durationText(interval)}`
    const time = look === undefined ? '' : clockTime(look.moment.time)
    const when: readonly Span[] =
      frozen !== undefined
        ? [span(' FROZEN ', (text) => bold(inverse(yellow(text)))), span(` ${time}`)]
        : failure !== undefined && look !== undefined
          ? [span(`stale since ${time}`, red)]
          : [span(time), span(every, dim)]
    return justify([span(name, bold), span(`  ${facts.join(', ')}`, dim)], when, this.#columns)
  }

  body(rows: number): readonly Line[] {
    const lines = [...this.#nodeList(), ...this.#verdict(), ...this.#figures()]
    if (this.#look === undefined) return lines.slice(0, rows)
    const table = this.#table(Math.max(0, rows - lines.length))
    const left = rows - lines.length - table.length
    return [...lines, ...table, ...this.#findings(left)].slice(0, rows)
  }

  get #look(): Look | undefined {
    return this.#node?.look
  }

  /** What was true a while ago is not as bright as what is. */
  get #isStale(): boolean {
    return this.#node?.failure !== undefined
  }

  #size(bytes: Integer | undefined): string {
    const { unit } = this.#model
    return bytes === undefined ? NONE : formatSize(inUnit(bytes, unit ?? 'byte'), unit)
  }

  #figure(text: string, paint?: (text: string) => string): Span {
    return span(text, this.#isStale ? this.#colors.dim : paint)
  }

  /** All nodes, or as many around the selected one as fit, each with its verdict. */
  #nodeList(): readonly Line[] {
    const { selected } = this.#model
    const nodes = shownNodes(this.#model)
    if (nodes.length < 2 || this.#rows < ROOMY) return []
    const { bold, cyan, dim, red } = this.#colors
    const height = Math.min(nodes.length, Math.max(2, Math.floor(this.#rows / 6)))
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
            return span(node.look.verdict, VERDICT_COLORS[node.look.verdict](this.#colors))
          },
        },
        {
          title: 'waste',
          align: right,
          atLeast: 8,
          rank: 4,
          cell: figure(({ waste }) => this.#size(waste)),
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
          cell: figure(({ resident }) => this.#size(resident)),
        },
        {
          title: 'allocated',
          align: right,
          rank: 1,
          cell: figure(({ allocated }) => this.#size(allocated)),
        },
      ],
      this.#columns,
      dim,
    )
    const hidden = nodes.length - visible.length
    const more = hidden === 0 ? EMPTY : [span(`${hidden} more`, dim)]
    const lines = rows.map(line)
    return this.#rows < COMFORTABLE
      ? lines
      : [justify(header, more, this.#columns), ...lines, EMPTY]
  }

  /** The verdict in words, or why there is none of now. */
  #verdict(): readonly Line[] {
    const { bold, cyan, dim, red } = this.#colors
    const { failure, look, name } = this.#node ?? { name: '' }
    const isRoomy = this.#rows >= ROOMY
    const inRoom = this.#columns < WIDE ? 3 : 2
    const most = this.#rows >= COMFORTABLE ? inRoom : isRoomy ? 2 : 1
    if (failure !== undefined) {
      return [
        ...this.#paragraph('no answer', (text) => bold(red(text)), failure.message, most),
        ...(failure.hint === undefined ? [] : this.#paragraph('hint', cyan, failure.hint, most)),
      ]
    }
    if (look === undefined) return [[span(`asking ${name} …`, dim)]]
    const paint = VERDICT_COLORS[look.verdict](this.#colors)
    const lines = this.#paragraph(look.verdict, (text) => bold(paint(text)), look.reason, most)
    // What stands below stays in its place when a figure in the sentence gets longer.
    const lacking = this.#rows >= STEADY ? most - lines.length : 0
    return [...lines, ...Array.from({ length: lacking }, () => EMPTY)]
  }

  /** `label – text`, broken into lines. */
  #paragraph(
    label: string,
    paint: (text: string) => string,
    text: string,
    maxLines: number,
  ): readonly Line[] {
    const whole = `${label} – ${span(text).text}`
    const [first = '', ...rest] = wrapColumns(whole, this.#columns, maxLines)
    const head = first.slice(0, label.length)
    return [
      [{ text: head, paint }, { text: first.slice(head.length) }],
      ...rest.map((line) => [{ text: line }]),
    ]
  }

  /** Usage, allocated, used, resident and waste: now, over time, and how they changed. */
  #figures(): readonly Line[] {
    const look = this.#look
    const moments = this.#node?.moments ?? []
    const [first] = moments
    if (look === undefined || first === undefined) return []
    if (this.#rows < ROOMY) return [this.#figuresInBrief(look)]
    const { bold, cyan, dim } = this.#colors
    const figures = FIGURES.map(({ name, of }) => {
      const points = moments.flatMap((moment) => point(moment, of(moment)))
      return { name, points, now: of(look.moment), before: of(first) }
    })
    const changed = ({ now, before, name }: (typeof figures)[number]): string =>
      now === undefined || before === undefined || moments.length < 2
        ? ''
        : name === 'usage'
          ? signed(toDouble(now) - toDouble(before), formatPercentage)
          : this.#change(before, now)
    const { header, line } = layOut(
      figures,
      [
        { title: '', align: 'left', atLeast: 9, cell: ({ name }) => span(name, dim) },
        {
          title: 'now',
          align: 'right',
          atLeast: 9,
          cell: ({ name, now }) =>
            this.#figure(
              now === undefined
                ? NONE
                : name === 'usage'
                  ? percentage(toDouble(now))
                  : this.#size(now),
              bold,
            ),
        },
        {
          title: 'change',
          align: 'right',
          atLeast: 9,
          rank: this.#columns < 60 ? 1 : 2,
          cell: (it) => span(changed(it), dim),
        },
      ],
      this.#columns < 60 ? 22 : this.#columns,
      dim,
      {
        titles: sinceTitles('', first.time),
        atLeast: 8,
        cell: ({ points }, columns) =>
          this.#figure(sparkline(points, columns, this.#model.interval), cyan),
      },
    )
    const lines = figures.map(line)
    return this.#rows < COMFORTABLE ? lines : [header, ...lines, EMPTY]
  }

  /** On one line, as many as fit. */
  #figuresInBrief(look: Look): Line {
    const { bold, dim } = this.#colors
    const all: readonly (readonly [string, string])[] = [
      ['waste', this.#size(look.waste)],
      ['usage', percentage(look.usage)],
      ['allocated', this.#size(look.allocated)],
      ['resident', this.#size(look.resident)],
      ['used', this.#size(look.used)],
    ]
    let line: Line = []
    for (const [name, figure] of all) {
      const longer = [
        ...line,
        span(`${line.length === 0 ? '' : '  '}${name} `, dim),
        this.#figure(figure, bold),
      ]
      if (columnsOfLine(longer) > this.#columns) break
      line = longer
    }
    return line
  }

  #change(before: Integer, now: Integer): string {
    const difference = subtract(now, before)
    const sign = compare(difference, 0)
    if (sign === 0) return this.#size(0)
    return sign > 0 ? `+${this.#size(difference)}` : `−${this.#size(subtract(0, difference))}`
  }

  /** The allocators; or the instances of one, below it. */
  #table(height: number): readonly Line[] {
    const { bold, cyan, dim, red, yellow } = this.#colors
    const { instance, interval } = this.#model
    const all = allocatorRows(this.#model)
    const chosen = selectedAllocator(this.#model)
    const instances = instanceRows(this.#model)
    const moments = this.#node?.moments ?? []
    const right = 'right' as const
    const isOpen = instance !== undefined && chosen !== undefined
    const rows: readonly TableRow[] = isOpen
      ? instances.map((row) => ({ row, name: instanceName(row), of: undefined }))
      : all.map((row) => ({ row, name: row.name, of: row }))
    const head: readonly TableRow[] = isOpen ? [{ row: chosen, name: chosen.name, of: chosen }] : []
    const index = isOpen
      ? Math.min(instance, instances.length - 1)
      : all.findIndex(({ name }) => name === chosen?.name)
    const selected = rows[index]
    const wasteOf = (row: AllocatorRow | undefined): ((text: string) => string) | undefined =>
      row?.severity === 'critical' ? red : row?.severity === 'warning' ? yellow : undefined
    const total = toDouble(this.#look?.waste ?? 0)
    const isMuch = (row: Row | undefined): boolean =>
      row !== undefined && row.waste !== 0 && toDouble(row.waste) >= MUCH * total
    const size =
      (of: (row: Row) => Integer) =>
      ({ row }: TableRow): Span => {
        const bytes = of(row)
        return this.#figure(this.#size(bytes), bytes === 0 ? dim : undefined)
      }
    const { start, visible } = windowOf(rows, index, Math.max(0, height - 1 - head.length))
    const place =
      visible.length === rows.length ? '' : ` ${start + 1}–${start + visible.length}/${rows.length}`
    const columns: readonly TableColumn<TableRow>[] = [
      {
        title: `  ${isOpen ? 'instance' : 'allocator'}${place}`,
        align: 'left',
        atLeast: 15,
        cell: (it) =>
          it === selected
            ? span(`▸ ${it.name}`, (text) => bold(cyan(text)))
            : span(`  ${it.name}`, it.row === chosen ? bold : undefined),
      },
      { title: 'allocated', align: right, rank: 3, cell: size(({ allocated }) => allocated) },
      { title: 'used', align: right, atLeast: 8, rank: 2, cell: size(({ used }) => used) },
      {
        title: 'usage',
        align: right,
        atLeast: 6,
        rank: 4,
        cell: ({ row }) =>
          this.#figure(
            row.allocated === 0 ? NONE : percentage(row.usage),
            row.allocated === 0 ? dim : undefined,
          ),
      },
      {
        title: 'waste',
        align: right,
        atLeast: 8,
        cell: ({ row, of }) =>
          this.#figure(
            this.#size(row.waste),
            wasteOf(of) ?? (isMuch(row) ? bold : row.waste === 0 ? dim : undefined),
          ),
      },
      { title: 'pooled', align: right, atLeast: 8, rank: 1, cell: size(({ pooled }) => pooled) },
    ]
    const { header, line } = layOut([...head, ...rows], columns, this.#columns, dim, {
      titles: sinceTitles('waste ', moments[0]?.time),
      atLeast: 8,
      cell: ({ of }, width) =>
        this.#figure(
          of === undefined ? '' : sparkline(wasteOver(moments, of.name), width, interval),
          wasteOf(of) ?? (isMuch(of) ? cyan : dim),
        ),
    })
    return [
      header,
      ...head.map(line),
      ...visible.map(line),
      ...(isOpen && rows.length === 0
        ? [[span('  no instance of it holds anything beyond what it always has', dim)]]
        : []),
    ].slice(0, Math.max(0, height))
  }

  /** Where there is room, all that the diagnosis found. */
  #findings(height: number): readonly Line[] {
    const findings = this.#look?.findings ?? []
    if (height < 3 || findings.length === 0) return []
    const { bold, dim, red, yellow } = this.#colors
    const paint = { critical: red, warning: yellow, info: dim } as const
    const lines: Line[] = [EMPTY, [span('Findings', this.#isStale ? dim : bold)]]
    for (const { severity, summary } of findings) {
      const label = padEnd(severity, 8)
      const width = this.#columns - label.length - 2
      const text = wrapColumns(span(summary).text, Math.max(10, width), 3)
      if (lines.length + text.length > height) break
      lines.push(
        ...text.map((part, index) => [
          span(`  ${index === 0 ? label : spaces(label.length)}`, paint[severity]),
          this.#figure(part),
        ]),
      )
    }
    return lines.length > 2 ? lines : []
  }

  /** What was done, or else the keys: as many as fit. */
  footer(): Line {
    const { bold, dim, green, red } = this.#colors
    const { frozen, help, instance, nodes, notice, sort, unit } = this.#model
    if (notice !== undefined) return [span(notice.text, notice.isError ? red : green)]
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
    while (width() > this.#columns && left.length > 2) {
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
}

/** Of all waste, the part from which on an allocator is worth a look. */
const MUCH = 0.05

/** An allocator with its figures, or an instance. */
interface TableRow {
  readonly row: Row
  readonly name: string
  readonly of: AllocatorRow | undefined
}

function instanceName({ name }: Row): string {
  return name === '0' ? '0 no scheduler' : name
}

const FIGURES: readonly {
  readonly name: string
  of(moment: Moment): Integer | undefined
}[] = [
  { name: 'usage', of: ({ used, allocated }) => usage(used, allocated) },
  { name: 'allocated', of: ({ allocated }) => allocated },
  { name: 'used', of: ({ used }) => used },
  { name: 'resident', of: ({ resident }) => resident },
  { name: 'waste', of: ({ waste }) => waste },
]

function point({ time }: Moment, value: Integer | undefined) {
  return value === undefined ? [] : [{ time, value: toDouble(value) }]
}

function wasteOver(moments: readonly Moment[], name: string) {
  return moments.flatMap((moment) =>
    point(moment, moment.allocators.find(({ allocator }) => allocator === name)?.waste),
  )
}

function percentage(ratio: number | undefined): string {
  return ratio === undefined ? NONE : formatPercentage(ratio)
}

/** Without a sign where it is rounded to nothing. */
function signed(difference: number, format: (ratio: number) => string): string {
  const text = format(Math.abs(difference))
  return text === format(0) ? text : `${difference > 0 ? '+' : '−'}${text}`
}

function sinceTitles(what: string, time: number | undefined): readonly string[] {
  if (time === undefined) return []
  return [`${what}since ${clockTime(time)}`, `since ${clockTime(time)}`, 'over time', what.trim()]
}
