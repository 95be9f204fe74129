/**
 * RabbitMQ, out of Debian's package, under load and after it: what the diagnosis says beside what RabbitMQ
 * says of its own memory.
 *
 * @see https://www.rabbitmq.com/docs/memory-use
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { accountingLine } from '../src/analysis/accounting.ts'
import { diagnose } from '../src/analysis/diagnose.ts'
import { memory } from '../src/analysis/memory.ts'
import type { Snapshot } from '../src/analysis/snapshot.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { expectToAddUp } from './support/accounting.ts'
import { describeUnless } from './support/describe-on-release.ts'
import { whyNoImage } from './support/extra-images.ts'
import { findFreePort } from './support/index.ts'
import { publishing, RabbitmqNode } from './support/rabbitmq.ts'

const MiB = 2 ** 20

const shortfall = await whyNoImage('rabbitmq')
if (shortfall !== undefined) console.error(`RabbitMQ skipped: ${shortfall}`)

/** Its log keeps what was deleted until it begins another file; some processes seldom collect. */
const FORGET = `
  ok = ra_log_wal:force_roll_over(ra_log_wal),
  [garbage_collect(P) || P <- processes()],
  forgotten.`

describeUnless(shortfall, 'RabbitMQ', () => {
  const name = 'rabbit@127.0.0.1'
  const cookie = randomBytes(16).toString('hex')
  let epmdPort: number
  let node: RabbitmqNode

  /** Bytes by category, as `rabbitmq-diagnostics` prints them. */
  async function breakdown(): Promise<ReadonlyMap<string, number>> {
    const command = ['rabbitmq-diagnostics', 'memory_breakdown', '--formatter', 'json']
    const categories: Record<string, { readonly bytes: number }> = JSON.parse(
      await node.inside(...command),
    )
    return new Map(Object.entries(categories).map(([category, { bytes }]) => [category, bytes]))
  }

  async function takeSnapshot(): Promise<Snapshot> {
    await using hidden = new HiddenNode({ cookie: new Cookie(cookie), epmdPort })
    return toSnapshot(await probe(await hidden.connect(name)))
  }

  /**
   * Waits until caches are given back: for 15 seconds or so the resident size falls, and RabbitMQ looks at
   * it every few seconds alone.
   */
  async function settle(): Promise<void> {
    const residentSize = async () => Number((await takeSnapshot()).os?.resident)
    for (let looks = 0, before = Number.NaN; looks < 10; looks++) {
      const now = await residentSize()
      if (Math.abs(now - before) < now / 20) return
      before = now
      await delay(4_000)
    }
  }

  beforeAll(async () => {
    epmdPort = await findFreePort()
    node = new RabbitmqNode({ name, cookie, epmdPort })
    await node.start()
    await node.started()
  })

  afterAll(async () => {
    await node[Symbol.asyncDispose]()
  })

  it('is in use under load, for what RabbitMQ says too', async () => {
    expect(await node.inside('rabbitmqctl', 'eval', publishing(40_000))).toBe('published')
    await settle()
    const before = await takeSnapshot()
    const categories = await breakdown()
    const snapshot = await takeSnapshot()
    const { verdict, findings } = diagnose(snapshot)
    const [largest] = [...categories].toSorted(([, left], [, right]) => right - left)
    expect(largest?.[0]).toBe('binary')
    expect(largest?.[1]).toBeGreaterThan(100 * MiB)
    expect(verdict).toBe('in-use')
    expect(findings.find(({ id }) => id === 'in-use')?.summary).toMatch(/for binaries\.$/)
    expectToAgree(categories, before, snapshot)
  })

  it('is healthy after it, with as much unused as RabbitMQ says', async () => {
    await node.inside('rabbitmqctl', 'delete_queue', 'load')
    expect(await node.inside('rabbitmqctl', 'eval', FORGET)).toBe('forgotten')
    await settle()
    const before = await takeSnapshot()
    const categories = await breakdown()
    const snapshot = await takeSnapshot()
    expect(categories.get('binary')).toBeLessThan(50 * MiB)
    expect(diagnose(snapshot).verdict).toBe('healthy')
    expectToAgree(categories, before, snapshot)
  })

  /**
   * RabbitMQ has three totals: `erlang:memory(total)`, what recon has as allocated, the resident size. It
   * looked at them between our two looks, the node being alive: each of its figures lies between ours, or
   * a twentieth of all memory beside them.
   */
  function expectToAgree(
    categories: ReadonlyMap<string, number>,
    ...snapshots: readonly Snapshot[]
  ): void {
    const totals = snapshots.map((snapshot) => {
      const { accounting } = diagnose(snapshot)
      expectToAddUp(accounting)
      const allocated = Number(memory(snapshot, 'allocated'))
      const resident = Number(accountingLine(accounting, 'resident').bytes)
      const unused = Math.max(0, allocated - Number(snapshot.memory?.total))
      return { unused, whole: Math.max(resident, allocated) }
    })
    const wholes = totals.map(({ whole }) => whole)
    const margin = Math.max(...wholes) / 20
    const expectBetween = (theirs: number | undefined, ours: readonly number[]): void => {
      expect(theirs).toBeGreaterThan(Math.min(...ours) - margin)
      expect(theirs).toBeLessThan(Math.max(...ours) + margin)
    }
    expectBetween(
      categories.get('allocated_unused'),
      totals.map(({ unused }) => unused),
    )
    // All categories together are the largest of the three.
    const all = [...categories.values()].reduce((left, right) => left + right, 0)
    expectBetween(all, wholes)
  }
})
