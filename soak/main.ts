/**
 * The program behind `npm run soak`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { load } from '../bench/product.ts'
import type { ErlangNode, ErlangNodeOptions } from '../src/testing/erlang-node.ts'
import { interruptible, reporter } from '../tools/program.ts'
import { bringMisfortune, type Misfortunes } from './chaos.ts'
import { type Allowance, type Flatness, flatness } from './flatness.ts'
import { type Cluster, runLoad } from './load.ts'
import { Tally } from './tally.ts'
import { countTarget, type TargetCounts } from './target.ts'

const beamscope = await load.beamscope()
const client = await load.client()
const testing = await load.testing()

const HELP = `Usage: npm run --silent soak -- [options]

Calls, snapshots, connections and sweeps without a pause against real nodes, of which some are killed and
suspended by chance. Every answer must be right or a typed error; and nothing may pile up, here or there.

Options:
  --minutes N   how long; 5 if not given
  --json        prints one object for programs
  --help        prints this help

Results go to standard output, progress to standard error. It takes Docker, or an erl on PATH.
Exit codes: 0 all is well; 1 something is not; 2 usage; 130 interrupted.
`

const DEFAULT_MINUTES = 5

/** Milliseconds between two samples; shorter than a thirtieth of the run. */
const LONGEST_INTERVAL = 10_000

const RELEASES = [23, 25, 27, 29] as const

const MIB = 1024 * 1024

/** What is sampled, and what may be added to it: allocators and timers have moods, a leak grows on. */
const ALLOWED: Readonly<Record<keyof Sample, Allowance>> = {
  resident: { absolute: 16 * MIB, share: 0.1 },
  heap: { absolute: 4 * MIB, share: 0.1 },
  handles: { absolute: 8, share: 0 },
  processes: { absolute: 4, share: 0 },
  ports: { absolute: 4, share: 0 },
  monitors: { absolute: 8, share: 0 },
  // A node keeps the name of each node that it has ever met; ours come back under those that they had.
  atoms: { absolute: 16, share: 0 },
}

/** `handles`: sockets, timers and whatever else keeps this process alive. The rest is of a node. */
interface Sample extends TargetCounts {
  readonly resident: number
  readonly heap: number
  readonly handles: number
}

const KEYS = ['resident', 'heap', 'handles', 'processes', 'ports', 'monitors', 'atoms'] as const

interface Outcome {
  readonly tally: Tally
  readonly misfortunes: Misfortunes
  readonly samples: readonly Sample[]
  readonly seconds: number
}

const interruption = interruptible()

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let minutes: number
  let json: boolean
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(HELP)
      return 0
    }
    json = values.json
    minutes = Number(values.minutes ?? DEFAULT_MINUTES)
    if (!(minutes > 0 && minutes <= 24 * 60)) throw new RangeError('--minutes is no time')
  } catch (error) {
    console.error(`soak: ${error instanceof Error ? error.message : error}\n(--help says more)`)
    return 2
  }
  const outcome = await soak(minutes * 60_000)
  const flat = flatnessOf(outcome.samples)
  const isWell = outcome.tally.wrongs === 0 && KEYS.every((key) => flat[key]?.isFlat !== false)
  if (json) console.log(JSON.stringify(toJson(outcome, flat), null, 2))
  else process.stdout.write(toText(outcome, flat))
  if (!isWell) return 1
  return interruption.aborted ? 130 : 0
}

async function soak(duration: number): Promise<Outcome> {
  const start = performance.now()
  const report = reporter()
  const nodes: ErlangNode[] = []
  try {
    const cluster = await startCluster(nodes, report)
    const outcome = await soakCluster(cluster, duration, report)
    return { ...outcome, seconds: (performance.now() - start) / 1000 }
  } finally {
    await Promise.all(nodes.map((node) => node.kill()))
  }
}

/** One that lives on and three that do not, each of another release where Docker has them; adds to `nodes`. */
async function startCluster(nodes: ErlangNode[], report: (text: string) => void): Promise<Cluster> {
  const available = await testing.availableReleases()
  // What Docker has, else the one on PATH for all.
  const releases = RELEASES.filter((release) => available.includes(release))
  const startNode = async (options: ErlangNodeOptions, release = releases.at(-1)) => {
    const node = await testing.startErlangNode({ ...options, ...(release && { release }) })
    nodes.push(node)
    report(`${node.name}, OTP ${node.release}`)
    return node
  }
  const first = await startNode({})
  const shared = { cookie: first.cookie, epmdPort: first.epmdPort }
  const victims: ErlangNode[] = []
  for (const index of [0, 1, 2]) victims.push(await startNode(shared, releases[index]))
  return { ...shared, stable: [first], victims }
}

async function soakCluster(
  cluster: Cluster,
  duration: number,
  report: (text: string) => void,
): Promise<Omit<Outcome, 'seconds'>> {
  const { Cookie, HiddenNode } = client
  const { epmdPort } = cluster
  await using hidden = new HiddenNode({ cookie: new Cookie(cluster.cookie), epmdPort })
  const remotes = await Promise.all(
    [...cluster.stable, ...cluster.victims].map(({ name }) =>
      hidden.connect(name, { reconnect: true }),
    ),
  )
  const [watched] = remotes
  if (watched === undefined) throw new Error('no node')
  const tally = new Tally((error) =>
    error instanceof beamscope.BeamscopeError ? error.code : undefined,
  )
  // Not `AbortSignal.timeout()` and `any()`: Node.js 20 may collect them before they fire.
  const ending = new AbortController()
  const timer = setTimeout(() => ending.abort(), duration)
  interruption.addEventListener('abort', () => ending.abort())
  const end = ending.signal
  const samples: Sample[] = []
  const interval = Math.min(LONGEST_INTERVAL, duration / 30)
  const sampling = async (): Promise<void> => {
    while (!end.aborted) {
      await sleep(interval, undefined, { signal: end }).catch(() => {})
      if (end.aborted) break
      try {
        samples.push(await takeSample(() => countTarget(watched)))
        tally.done('sample')
      } catch (error) {
        tally.failed('sample', `a sample of ${watched.name}`, error)
      }
      const calls = tally.counts.get('call')?.done ?? 0
      if (samples.length % 6 === 0) report(`${calls} calls answered, ${tally.wrongs} wrong`)
    }
  }
  const misfortunes = bringMisfortune(cluster.victims, end, report)
  const all = [misfortunes, runLoad(cluster, remotes, tally, end), sampling()]
  // Nothing goes on when one of them fails, as when a node does not start any more.
  await Promise.allSettled(all.map((it) => it.finally(() => ending.abort())))
  clearTimeout(timer)
  await Promise.all(all)
  const pending = remotes.reduce((sum, remote) => sum + remote.counters.callsPending, 0)
  if (pending > 0) tally.addWrong(`${pending} calls are under way after the end`)
  return { tally, misfortunes: await misfortunes, samples }
}

async function takeSample(target: () => Promise<TargetCounts>): Promise<Sample> {
  const counts = await target()
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const handles = process.getActiveResourcesInfo().length
  return { ...counts, resident: rss, heap: heapUsed + external, handles }
}

function flatnessOf(samples: readonly Sample[]): Record<keyof Sample, Flatness | undefined> {
  const of = (key: keyof Sample): Flatness | undefined =>
    flatness(
      samples.map((sample) => sample[key]),
      ALLOWED[key],
    )
  return {
    resident: of('resident'),
    heap: of('heap'),
    handles: of('handles'),
    processes: of('processes'),
    ports: of('ports'),
    monitors: of('monitors'),
    atoms: of('atoms'),
  }
}

function toJson(outcome: Outcome, flat: Record<keyof Sample, Flatness | undefined>): object {
  const { tally, misfortunes, samples, seconds } = outcome
  const counts = [...tally.counts].map(([kind, { done, failed }]) => [
    kind,
    { done, failed: Object.fromEntries(failed) },
  ])
  return {
    beamscope: 'soak/1',
    seconds,
    misfortunes,
    counts: Object.fromEntries(counts),
    wrong: { count: tally.wrongs, told: tally.wrong },
    flat,
    samples,
  }
}

function toText(
  { tally, misfortunes, seconds }: Outcome,
  flat: Record<keyof Sample, Flatness | undefined>,
): string {
  const lines = [
    `${Math.round(seconds)} s, ${misfortunes.kills} kills, ${misfortunes.pauses} suspensions`,
    '',
  ]
  for (const [kind, { done, failed }] of tally.counts) {
    const failures = [...failed].map(([code, count]) => `${count} ${code}`).join(', ')
    lines.push(`${kind.padEnd(12)}${String(done).padStart(9)} right; ${failures || 'none failed'}`)
  }
  lines.push('', `${tally.wrongs} wrong`, ...tally.wrong, '')
  lines.push(`${''.padEnd(12)}${'first third'.padStart(14)}${'last third'.padStart(14)}`)
  for (const key of KEYS) {
    const it = flat[key]
    const text =
      it === undefined
        ? 'too few samples'
        : `${formatted(key, it.first)}${formatted(key, it.last)}  ${it.isFlat ? 'flat' : 'GREW'}`
    lines.push(`${key.padEnd(12)}${text}`)
  }
  return `${lines.join('\n')}\n`
}

function formatted(key: keyof Sample, value: number): string {
  const isMemory = key === 'resident' || key === 'heap'
  return (isMemory ? `${(value / MIB).toFixed(1)} MiB` : String(value)).padStart(14)
}
