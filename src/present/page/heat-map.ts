/**
 * Allocators by instance, as a table whose cells are the darker the more is wasted in them.
 */
import { add, compare, sum, toDouble } from '../../analysis/integer.ts'
import {
  type AllocatorOccupancy,
  type InstanceOccupancy,
  occupancies,
} from '../../analysis/occupancy.ts'
import type { Integer } from '../../analysis/snapshot.ts'
import { usage } from '../../analysis/usage.ts'
import { formatCount, formatPercentage, formatSize, NONE } from '../figures.ts'
import { type Content, type Html, html } from './html.ts'
import type { NodePage } from './node-page.ts'
import { allocatorName, MAX_ROWS, type Section, scrolled } from './sections.ts'

/** Of the whole, or of what one scheduler has; bytes. */
interface Cell {
  readonly allocated: Integer
  readonly used: Integer
  readonly waste: Integer
}

/** `undefined` for a snapshot without allocators. */
export function heatMapSection({ snapshot }: NodePage): Section | undefined {
  const held = occupancies(snapshot)
  if (held.length === 0) return undefined
  const instances = instancesOf(held)
  const shown = instances.slice(0, MAX_ROWS).sort((left, right) => left.instance - right.instance)
  const most = instances
    .flatMap(({ cells }) => [...cells.values()])
    .reduce<Integer>((largest, { waste }) => (compare(waste, largest) > 0 ? waste : largest), 0)
  const hidden = instances.length - shown.length
  return {
    id: 'instances',
    title: 'Allocators by instance',
    body: html`<p>Each scheduler has its own instance of each allocator; instance 0 serves all other threads. Each cell says how much of its carriers data use, and below that how much is wasted; the stronger its colour, the more.</p>
${scrolled(html`<table class="heat">
<caption>Usage and waste by instance</caption>
<thead><tr><th scope="col">instance</th>${held.map(
  ({ allocator }) => html`<th scope="col">${allocatorName(allocator)}</th>`,
)}<th scope="col">together</th></tr></thead>
<tbody>${shown.map(
  ({ instance, cells, waste }) =>
    html`<tr><th scope="row">${instance}</th>${held.map(({ allocator }) =>
      cellHtml(cells.get(allocator), most),
    )}<td class="heat-sum">${toDouble(waste) === 0 ? NONE : formatSize(waste)}</td></tr>\n`,
)}</tbody>
<tfoot><tr><th scope="row">together</th>${held.map((each) => {
  const all = cellOf(each)
  return html`<td class="heat-sum">${contents(all)}</td>`
})}<td class="heat-sum">${formatSize(sum(instances.map(({ waste }) => waste)))}</td></tr></tfoot>
</table>`)}
${
  hidden === 0
    ? undefined
    : html`<p class="aside">and ${formatCount(hidden)} instances more, each of which wastes less</p>`
}
${legend()}`,
  }
}

interface InstanceRow {
  readonly instance: number
  /** By allocator. */
  readonly cells: ReadonlyMap<string, Cell>
  readonly waste: Integer
}

/** Those that waste most first. */
function instancesOf(held: readonly AllocatorOccupancy[]): InstanceRow[] {
  const rows = new Map<number, Map<string, Cell>>()
  for (const { allocator, instances } of held) {
    for (const each of instances) {
      const { instance } = each.instance
      const cells = rows.get(instance) ?? new Map<string, Cell>()
      rows.set(instance, cells.set(allocator, cellOf(each)))
    }
  }
  return Array.from(rows, ([instance, cells]) => ({
    instance,
    cells,
    waste: sum([...cells.values()].map(({ waste }) => waste)),
  })).sort((left, right) => compare(right.waste, left.waste) || left.instance - right.instance)
}

function cellOf({
  mbcs,
  sbcs,
  aboveFloor,
}: Pick<InstanceOccupancy, 'mbcs' | 'sbcs' | 'aboveFloor'>): Cell {
  return {
    allocated: add(mbcs.allocated, sbcs.allocated),
    used: add(mbcs.used, sbcs.used),
    waste: add(aboveFloor, sbcs.unused),
  }
}

function cellHtml(cell: Cell | undefined, most: Integer): Html {
  return cell === undefined || cell.allocated === 0
    ? html`<td class="heat-none">${NONE}</td>`
    : html`<td class="heat-${levelOf(cell.waste, most)}">${contents(cell)}</td>`
}

function contents({ allocated, used, waste }: Cell): Content {
  if (allocated === 0) return NONE
  return html`${formatPercentage(usage(used, allocated)).replace(/\.\d/, '')}<br><span class="waste">${
    toDouble(waste) <= 0 ? NONE : formatSize(waste)
  }</span>`
}

const LEVELS = 5

/** Below this, nothing that stands in carriers is worth a colour. */
const LEAST = 2 ** 20

/** Each level stands for four times as much as the one before it; the strongest holds the most. */
function levelOf(waste: Integer, most: Integer): number {
  const bytes = toDouble(waste)
  if (bytes < LEAST) return 0
  const below = Math.floor(Math.log2(toDouble(most) / bytes) / 2)
  return Math.max(1, LEVELS - below)
}

function legend(): Html {
  const levels = Array.from({ length: LEVELS + 1 }, (_, level) => level)
  return html`<p class="heat-legend">less than 1 MiB wasted ${levels.map(
    (level) => html`<span class="heat-${level}" aria-hidden="true"></span>`,
  )} the most of all</p>`
}
