/** How often the screen is drawn. */
import { expect, it, vi } from 'vitest'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { binarySpikeFile } from '../../src/replay/start-replay-node.ts'
import { type Deeds, Watcher } from '../../src/watch/watcher.ts'
import { NOON, PLAIN } from './made-looks.ts'

const { raw, snapshot } = await readSnapshotFile(binarySpikeFile)

const DEEDS: Deeds = {
  save: () => Promise.resolve('saved'),
  redraw: () => {},
  suspend: () => {},
  quit: () => {},
  interrupt: () => {},
}

it('draws once what many nodes answer together, and at once what a key does', () => {
  vi.useFakeTimers()
  try {
    const nodes = Array.from({ length: 12 }, (_, index) => `rabbit${index}@myhost`)
    const watcher = new Watcher(
      { nodes, interval: 2_000, sort: 'waste', unit: undefined, size: { columns: 80, rows: 24 } },
      PLAIN,
      DEEDS,
    )
    const changed = vi.fn()
    watcher.subscribe(changed)
    const answer = (): void => {
      for (const node of nodes) watcher.take({ type: 'sample', node, time: NOON, raw, snapshot })
    }
    answer()
    vi.advanceTimersByTime(1)
    expect(changed).toHaveBeenCalledTimes(1)
    expect(watcher.picture().lines.join('\n')).toContain('fragmented – ')
    answer()
    answer()
    watcher.take({ type: 'failure', node: 'rabbit0@myhost', time: NOON, error: new Error('gone') })
    expect(changed).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(200)
    expect(changed).toHaveBeenCalledTimes(2)
    expect(watcher.picture().lines.join('\n')).toContain('no answer – gone')
    watcher.press({ input: 's' })
    expect(changed).toHaveBeenCalledTimes(3)
    expect(watcher.picture().lines.at(-1)).toContain('sort: allocated')
    answer()
    watcher.press({ input: 's' })
    vi.advanceTimersByTime(1_000)
    expect(changed).toHaveBeenCalledTimes(4)
  } finally {
    vi.useRealTimers()
  }
})
