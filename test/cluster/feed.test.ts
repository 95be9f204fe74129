/** How long samples are wanted. */
import { describe, expect, it } from 'vitest'
import { type FeedOptions, feed } from '../../src/cluster/feed.ts'
import type { Sampled, Sampler } from '../../src/cluster/sampler.ts'

const failed = (node: string, time: number): Sampled => ({ type: 'failure', node, time, error: 1 })

/** Gives these, and then waits until it is told that it is over. */
function scripted(...samples: readonly Sampled[]): Pick<Sampler, 'samples'> {
  return {
    async *samples(_nodes, { signal }) {
      for (const sample of samples) {
        signal?.throwIfAborted()
        yield sample
      }
      return await new Promise<never>((_, reject) => {
        const fail = (): void => reject(signal?.reason)
        if (signal?.aborted) fail()
        else signal?.addEventListener('abort', fail)
      })
    },
  }
}

const never = new AbortController().signal

async function take(
  sampler: Pick<Sampler, 'samples'>,
  options: Partial<FeedOptions>,
): Promise<readonly string[]> {
  const taken: string[] = []
  const all = { interval: 100, timeout: 100, signal: never, enough: never, ...options }
  for await (const { node, time } of feed(sampler, ['a', 'b'], all)) taken.push(`${node}${time}`)
  return taken
}

describe('feed', () => {
  it('gives so many of each node, though one of them is slower', async () => {
    const sampler = scripted(
      failed('a', 1),
      failed('a', 2),
      failed('b', 1),
      failed('a', 3),
      failed('b', 2),
      failed('b', 3),
    )
    expect(await take(sampler, { samples: 2 })).toEqual(['a1', 'a2', 'b1', 'b2'])
  })

  it('ends when the time is over, or it is enough', async () => {
    expect(await take(scripted(failed('a', 1)), { duration: 20 })).toEqual(['a1'])
    const enough = AbortSignal.timeout(20)
    expect(await take(scripted(failed('a', 1)), { enough })).toEqual(['a1'])
  })

  it('throws what it is interrupted with, and what fails for good', async () => {
    const reason = new Error('interrupted')
    await expect(take(scripted(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const broken: Pick<Sampler, 'samples'> = {
      // biome-ignore lint/correctness/useYield: it fails before
      async *samples() {
        throw reason
      },
    }
    await expect(take(broken, { samples: 1 })).rejects.toBe(reason)
  })
})
