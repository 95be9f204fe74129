/** How carriers read; what is in them is the analysis' affair. */
import { expect, it } from 'vitest'
import type { Carrier, CarrierScan } from '../../src/analysis/carriers.ts'
import { carriersText } from '../../src/present/carriers.ts'
import { paperOf } from '../../src/present/paper.ts'
import type { View } from '../../src/present/view.ts'

const MiB = 2 ** 20

function view(columns: number, unit?: View['unit']): View {
  return {
    paper: paperOf({ isTTY: true, columns }, { NO_COLOR: '1' }),
    unit,
    keyword: undefined,
    label: 'rabbit@myhost',
    next: (command) => `beamscope ${command} rabbit@myhost`,
  }
}

const headed = {
  node: 'rabbit@myhost',
  otpRelease: '27',
  schedulers: undefined,
  takenAt: '2026-01-31T12:00:00.000Z',
}

function carrier(allocator: string, used: number, parts: Partial<Carrier> = {}): Carrier {
  const type = { type: allocator, count: 7, size: used }
  const blocks = used === 0 ? [] : [type]
  return { allocator, inPool: false, size: 8 * MiB, unscanned: 0, blocks, freeBlocks: [], ...parts }
}

const scan: CarrierScan = {
  otpRelease: '27',
  ran: [
    'instrument:carriers(#{allocator_types => [binary_alloc],histogram_start => 512,histogram_width => 6})',
    'instrument:carriers(…)',
  ],
  histogramStart: 512,
  histogramWidth: 6,
  carriers: [
    ...Array.from({ length: 12 }, () =>
      carrier('binary_alloc', 100_000, { inPool: true, freeBlocks: [0, 1, 0, 40, 2, 1] }),
    ),
    carrier('binary_alloc', 0),
    carrier('binary_alloc', 4 * MiB, {
      blocks: [
        { type: 'driver_alloc', count: 1, size: MiB },
        { type: 'binary_alloc', count: 3, size: MiB },
      ],
      unscanned: MiB,
    }),
    carrier('eheap_alloc', 7 * MiB),
    carrier('ets_alloc', 8 * MiB),
  ],
  counted: new Map([
    ['binary_alloc', 15],
    ['eheap_alloc', 1],
    ['ets_alloc', 1],
  ]),
  missing: [{ what: 'sl_alloc', why: 'disabled on the node' }],
}

it.each([80, 50])('read as expected on %d columns', async (columns) => {
  const text = carriersText(scan, headed, view(columns), false)
  await expect(text).toMatchFileSnapshot(`expected/carriers-${columns}.txt`)
})

it('fit into 80 columns', () => {
  const wide = carriersText(scan, headed, view(80), true).split('\n')
  expect(wide.filter((it) => it.length > 80)).toEqual([])
})

it('are shown in detail for the allocators that stand out, for one alone, or for all', () => {
  const details = (shown: CarrierScan, all = false): number =>
    carriersText(shown, headed, view(80), all).split('carriers by usage').length - 1
  expect(details(scan)).toBe(1)
  expect(details(scan, true)).toBe(3)
  const only = (allocator: string): CarrierScan => ({
    ...scan,
    carriers: scan.carriers.filter((it) => it.allocator === allocator),
  })
  expect(details(only('ets_alloc'))).toBe(1)
})

it('are in the unit that was chosen', () => {
  expect(carriersText(scan, headed, view(80, 'megabyte'), false)).toMatch(
    /^ets_alloc +1 +8\.000 +100\.0%/m,
  )
})

it('may be none', () => {
  const text = carriersText({ ...scan, carriers: [] }, headed, view(80), false)
  expect(text).toContain('No carrier was seen.')
})

it('let no escape sequence of a node through', () => {
  const evil = carrier('\u001b[2J', 5, { blocks: [{ type: '\u001b[0m', count: 1, size: 5 }] })
  const text = carriersText({ ...scan, carriers: [evil] }, headed, view(80), true)
  expect(text).not.toContain('\u001b')
})
