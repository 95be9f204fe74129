/** A program of its own that sweeps with the built library, and says what that took. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface SweepRequest {
  readonly names: readonly string[]
  readonly cookie: string
  readonly epmdPort: number
  readonly concurrency: number
  readonly via?: string | undefined
}

export interface SweepReport {
  /** Of each node that answered, in the order of their names, what does not change while it runs. */
  readonly answers: readonly {
    readonly node: string
    readonly otpRelease: string
    readonly instances: number
    readonly verdict: string
  }[]
  /** Messages of the errors of those that did not. */
  readonly failures: readonly string[]
  /** Milliseconds. */
  readonly duration: number
  /**
   * The most memory that was resident, in bytes: `VmHWM` of `/proc/self/status`. What is garbage is collected
   * often, so that this grows with what is kept.
   */
  readonly peak: number
  /** What one more snapshot would take if it were kept, in bytes. */
  readonly snapshotSize: number
  /** The most sockets that were open, besides those of standard input and output. */
  readonly sockets: number
}

const library = new URL('../../lib/index.js', import.meta.url).href

const program = `
  import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
  import { text } from 'node:stream/consumers'
  import { Cookie, diagnose, sweep } from '${library}'

  const { names, cookie, ...options } = JSON.parse(await text(process.stdin))
  const countSockets = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync('/proc/self/fd/' + fd).startsWith('socket:')
      } catch {
        return false
      }
    }).length
  const before = countSockets()
  let most = before
  const sample = () => { most = Math.max(most, countSockets()) }
  setInterval(sample, 5).unref()

  const answers = []
  const failures = []
  let taken = 0
  let last
  const start = performance.now()
  for await (const result of sweep(names, { ...options, cookie: new Cookie(cookie), nodeTimeout: 60_000 })) {
    sample()
    if (++taken % 20 === 0) gc()
    if (result.status === 'failed') {
      failures.push(result.error.message)
      continue
    }
    const { otpRelease, allocators } = result.answer
    const { verdict } = diagnose(result.answer)
    answers.push({ node: result.node, otpRelease, instances: allocators.length, verdict })
    last = result.answer
  }
  const duration = performance.now() - start
  answers.sort((left, right) => (left.node < right.node ? -1 : 1))
  const peak = Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  gc()
  const { heapUsed } = process.memoryUsage()
  const kept = Array.from({ length: 50 }, () => structuredClone(last))
  gc()
  const snapshotSize = (process.memoryUsage().heapUsed - heapUsed) / kept.length
  const sockets = most - before
  console.log(JSON.stringify({ answers, failures, duration, peak, snapshotSize, sockets }))
`

/** Ends after two minutes at the latest. */
export async function runSweep(request: SweepRequest): Promise<SweepReport> {
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--max-semi-space-size=1', '--input-type=module', '--eval', program],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    },
  )
  child.stdin.end(JSON.stringify(request))
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
  return JSON.parse(output)
}

/** One line for the log. */
export function describeReport(what: string, report: SweepReport): string {
  const seconds = (report.duration / 1000).toFixed(1)
  const megabytes = Math.round(report.peak / 2 ** 20)
  return `${what}: ${seconds} s, at most ${megabytes} MiB and ${report.sockets} sockets`
}
