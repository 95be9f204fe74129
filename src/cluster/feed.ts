/**
 * Samples of nodes for as long as they are wanted.
 */
import { anySignal } from '../net/any-signal.ts'
import type { Sampled, Sampler } from './sampler.ts'

export interface FeedOptions {
  /** Milliseconds from one sample of a node to the next. */
  readonly interval: number
  /** Milliseconds that a node may take. */
  readonly timeout: number
  readonly signal: AbortSignal
  /** Ends it without an error. */
  readonly enough: AbortSignal
  /** Of each node; those that failed count as well. */
  readonly samples?: number | undefined
  /** Milliseconds. */
  readonly duration?: number | undefined
}

/**
 * Until there are so many samples of each node, or that time is over, or it is enough.
 *
 * @throws the signal's reason, and whatever `Sampler.samples` throws
 */
export async function* feed(
  sampler: Pick<Sampler, 'samples'>,
  nodes: readonly string[],
  { interval, timeout, signal, enough, samples, duration }: FeedOptions,
): AsyncGenerator<Sampled, void, undefined> {
  const over = new AbortController()
  const timer = duration === undefined ? undefined : setTimeout(() => over.abort(), duration)
  using any = anySignal([signal, enough, over.signal])
  const { signal: ended } = any
  const left = new Map(nodes.map((node) => [node, samples ?? Number.POSITIVE_INFINITY]))
  try {
    for await (const sampled of sampler.samples(nodes, { interval, timeout, signal: ended })) {
      const more = (left.get(sampled.node) ?? 0) - 1
      // One node has had enough before another, which was slow.
      if (more >= 0) yield sampled
      if (more > 0) left.set(sampled.node, more)
      else left.delete(sampled.node)
      if (left.size === 0) return
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!ended.aborted) throw error
  } finally {
    clearTimeout(timer)
  }
}
