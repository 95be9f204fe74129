import { describe, expect, it } from 'vitest'
import { runBlock } from '../../fuzz/block.ts'
import { inputOf } from '../../fuzz/target.ts'
import { targetNamed, targets } from '../../fuzz/targets/all.ts'

const seed = 20260131

/** Of each target; fewer where one stands for a whole conversation. */
const INPUTS = 400
const FEW: ReadonlyMap<string, number> = new Map([
  ['conversation', 100],
  ['epmd-client', 100],
  ['epmd-server', 100],
  ['tls-files', 100],
  ['probe', 60],
])

describe.each(targets.map((target) => [target.name, target] as const))('%s', (name, target) => {
  it('takes its seeds', async () => {
    expect(target.seeds()).not.toHaveLength(0)
    const verdicts: string[] = []
    for (const input of target.seeds()) verdicts.push(await target.run(input))
    expect(verdicts).toContain('accepted')
  })

  it('makes the same inputs of the same seed, and others of another', () => {
    const inputs = (of: number): readonly string[] =>
      Array.from({ length: 50 }, (_, index) =>
        Buffer.from(inputOf(target, of, index)).toString('hex'),
      )
    expect(inputs(seed)).toEqual(inputs(seed))
    expect(inputs(seed)).not.toEqual(inputs(seed + 1))
  })

  it('holds against some inputs, of which it takes some and refuses others', async () => {
    const count = FEW.get(name) ?? INPUTS
    const summary = await runBlock(target, { target: name, seed, first: 0, count })
    expect(summary.findings).toEqual([])
    expect(summary.accepted).toBeGreaterThan(0)
    expect(summary.accepted).toBeLessThan(count)
  })
})

describe('the targets', () => {
  it('have names of their own, by which they are found', () => {
    expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length)
    for (const target of targets) expect(targetNamed(target.name)).toBe(target)
    expect(() => targetNamed('toString')).toThrow(RangeError)
  })
})
