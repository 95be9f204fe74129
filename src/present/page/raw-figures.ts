/**
 * The figures of recon, by recon's names, to unfold.
 */
import { averageBlockSizes } from '../../analysis/average-block-sizes.ts'
import { cacheHitRates } from '../../analysis/cache-hit-rates.ts'
import { fragmentation } from '../../analysis/fragmentation.ts'
import { subtract } from '../../analysis/integer.ts'
import { memoryReport } from '../../analysis/memory.ts'
import { sbcsToMbcs } from '../../analysis/sbcs-to-mbcs.ts'
import type { Snapshot } from '../../analysis/snapshot.ts'
import type { Amount } from '../../analysis/unit.ts'
import { formatCount, formatPercentage, formatRatio, NONE } from '../figures.ts'
import { MAXIMA, MAXIMA_MARK } from '../view.ts'
import { type Content, html } from './html.ts'
import type { NodePage } from './node-page.ts'
import {
  allocatorName,
  figure,
  type Section,
  shortened,
  size,
  sizeOrNone,
  tableHtml,
  text,
  unfolded,
} from './sections.ts'

export function rawFiguresSection({ snapshot }: NodePage): Section {
  return {
    id: 'figures',
    title: 'Raw figures',
    body: html`<p>As recon names and computes them: it leaves out literal_alloc, which all above counts. Each can be had exactly, and as JSON, by the command of that name.</p>
${unfolded('memory', 'memory', memoryTables(snapshot))}
${unfolded('fragmentation', 'fragmentation', fragmentationTable(snapshot))}
${unfolded('average_block_sizes', 'average_block_sizes', averagesTable(snapshot))}
${unfolded('sbcs_to_mbcs', 'sbcs_to_mbcs', ratiosTable(snapshot))}
${unfolded('cache_hit_rates', 'cache_hit_rates', hitRatesTable(snapshot))}
${snapshot.memory === undefined ? undefined : unfolded('erlang:memory', 'erlang:memory()', erlangMemoryTable(snapshot.memory))}
<p class="aside">${MAXIMA}</p>`,
  }
}

function memoryTables(snapshot: Snapshot): Content {
  const now = memoryReport(snapshot, 'current')
  const max = memoryReport(snapshot, 'max')
  const optional = (amount: Amount | undefined): Content =>
    amount === undefined ? NONE : size(amount)
  const columns = [figure('now'), figure(`max${MAXIMA_MARK}`)]
  const instances = shortened([...now.allocatedInstances])
  return html`${tableHtml(
    'memory',
    [text('figure'), ...columns],
    [
      ['used', size(now.used), size(max.used)],
      ['allocated', size(now.allocated), size(max.allocated)],
      ['unused', size(now.unused), size(max.unused)],
      ['usage', ratio(now.usage), ratio(max.usage)],
    ],
  )}
${tableHtml(
  'allocated_types',
  [text('allocator'), ...columns],
  Array.from(now.allocatedTypes, ([type, amount]) => [
    allocatorName(type),
    size(amount),
    optional(max.allocatedTypes.get(type)),
  ]),
)}
${tableHtml(
  'allocated_instances',
  [text('instance'), ...columns],
  instances.shown.map(([instance, amount]) => [
    instance,
    size(amount),
    optional(max.allocatedInstances.get(instance)),
  ]),
)}
${instances.more}`
}

function ratio(usage: number | undefined): string {
  return usage === undefined ? NONE : formatPercentage(usage)
}

function fragmentationTable(snapshot: Snapshot): Content {
  const { shown, more } = shortened(fragmentation(snapshot))
  const usageCell = (usage: number, carriers: Amount): Content =>
    carriers === 0 && Number.isFinite(usage) ? NONE : formatPercentage(usage)
  return html`${tableHtml(
    'fragmentation, the most unused first',
    [
      text('allocator'),
      ...['instance', 'mbcs_usage', 'mbcs_carriers_size', 'sbcs_usage', 'sbcs_carriers_size'].map(
        figure,
      ),
    ],
    shown.map((entry) => [
      allocatorName(entry.allocator),
      entry.instance,
      usageCell(entry.mbcsUsage, entry.mbcsCarriersSize),
      sizeOrNone(entry.mbcsCarriersSize),
      usageCell(entry.sbcsUsage, entry.sbcsCarriersSize),
      sizeOrNone(entry.sbcsCarriersSize),
    ]),
  )}
${more}`
}

function averagesTable(snapshot: Snapshot): Content {
  const max = averageBlockSizes(snapshot, 'max')
  const mean = (bytes: number | undefined): Content =>
    bytes === undefined || bytes === 0 ? NONE : formatMean(bytes)
  return tableHtml(
    'average_block_sizes, in bytes',
    [
      text('allocator'),
      ...['mbcs', 'sbcs', `max: mbcs${MAXIMA_MARK}`, `sbcs${MAXIMA_MARK}`].map(figure),
    ],
    Array.from(averageBlockSizes(snapshot), ([allocator, { mbcs, sbcs }]) => [
      allocatorName(allocator),
      mean(mbcs),
      mean(sbcs),
      mean(max.get(allocator)?.mbcs),
      mean(max.get(allocator)?.sbcs),
    ]),
  )
}

function formatMean(bytes: number): string {
  return Number.isFinite(bytes) ? formatCount(Math.round(bytes)) : '∞'
}

function ratiosTable(snapshot: Snapshot): Content {
  const { shown, more } = shortened(sbcsToMbcs(snapshot))
  return html`${tableHtml(
    'sbcs_to_mbcs, the highest first',
    [text('allocator'), figure('instance'), figure('ratio')],
    shown.map(({ allocator, instance, ratio }) => [
      allocatorName(allocator),
      instance,
      formatRatio(ratio),
    ]),
  )}
${more}`
}

function hitRatesTable(snapshot: Snapshot): Content {
  const { shown, more } = shortened(cacheHitRates(snapshot))
  return html`${tableHtml(
    'cache_hit_rates of mseg_alloc, the most misses first',
    [...['instance', 'hit_rate', 'hits', 'calls', 'misses'].map(figure)],
    shown.map(({ instance, hitRate, hits, calls }) => [
      instance,
      calls === 0 ? NONE : formatPercentage(hitRate),
      formatCount(hits),
      formatCount(calls),
      formatCount(subtract(calls, hits)),
    ]),
  )}
${more}`
}

function erlangMemoryTable(memory: NonNullable<Snapshot['memory']>): Content {
  return tableHtml(
    'erlang:memory(), in bytes',
    [text('kind'), figure('bytes'), figure('size')],
    Object.entries(memory).map(([kind, bytes]) => [kind, formatCount(bytes), size(bytes)]),
  )
}
