/** A real back end is sent the metrics of a real node by OTLP, and has the figures that /metrics has. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { describeUnless } from './support/describe-on-release.ts'
import { whyNoImage } from './support/extra-images.ts'
import {
  createTemporaryFolder,
  erlangReleases,
  findFreePort,
  runProgram,
  startErlangNode,
} from './support/index.ts'
import { query } from './support/prometheus.ts'
import { RunningProgram } from './support/running-program.ts'

const MAIN = fileURLToPath(new URL('../lib/cli/main.cjs', import.meta.url))

const shortfall = await whyNoImage('victoriametrics')
if (shortfall !== undefined) console.error(`VictoriaMetrics skipped: ${shortfall}`)

/** Its URL. */
async function startVictoriaMetrics(): Promise<string> {
  const name = `beamscope-test-otlp-${randomBytes(4).toString('hex')}`
  const port = await findFreePort()
  const container = ['--rm', '--pull=never', '--network=host', `--name=${name}`]
  const options = [
    `-httpListenAddr=127.0.0.1:${port}`,
    '-opentelemetry.usePrometheusNaming',
    // What came is seen at once.
    '-search.latencyOffset=0s',
    '-inmemoryDataFlushInterval=1s',
  ]
  const program = await RunningProgram.start(
    ['docker', 'run', ...container, 'beamscope/victoriametrics', ...options],
    { environment: { PATH: process.env.PATH ?? '' }, ready: /started server at/ },
  )
  onTestFinished(async () => {
    await runProgram(['docker', 'rm', '--force', name], { timeout: 60_000 })
    await program[Symbol.asyncDispose]()
  })
  return `http://127.0.0.1:${port}`
}

/** Lines of /metrics as the query API has them: a name and labels, and a value. */
function seriesOf(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (name === undefined) return []
      const parts = Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([part]) => part)
      return [[[name, ...parts.sort()].join(' '), Number(value)] as const]
    }),
  )
}

describeUnless(shortfall, 'VictoriaMetrics', () => {
  it('has by OTLP each series that /metrics has, with its value', {
    timeout: 120_000,
  }, async () => {
    const url = await startVictoriaMetrics()
    const [release = 27] = erlangReleases.slice(-1)
    await using node = await startErlangNode({ release })
    await using folder = await createTemporaryFolder()
    const file = join(folder.path, 'node.recording')
    const environment = { BEAMSCOPE_COOKIE: node.cookie, HOME: folder.path }
    const beamscope = [process.execPath, MAIN] as const
    const reach = ['--epmd-port', `${node.epmdPort}`]
    const recording = await runProgram(
      [...beamscope, 'record', node.name, ...reach, '-o', file, '--samples', '1'],
      { environment, timeout: 60_000 },
    )
    expect(recording).toMatchObject({ status: 0 })
    // Of a sample that stays both say the same, whenever they are asked.
    const often = ['--interval', '1s', '--otlp', `${url}/opentelemetry/v1/metrics`]
    await using server = await RunningProgram.start(
      [...beamscope, 'serve', '--snapshot', file, '--listen', '127.0.0.1:0', ...often],
      { environment, ready: /the collector takes metrics/ },
    )
    const [, served = ''] = /Serving .* at (http:\S+\/);/.exec(server.output) ?? []
    const ofNode = '{__name__=~"beamscope_.*|erlang_.*"}'
    const expected = seriesOf(await (await fetch(`${served}metrics`)).text())
    expect(expected.size).toBeGreaterThan(100)
    const different = async (): Promise<readonly (readonly [string, number])[]> => {
      const found = new Map(
        (await query(url, ofNode)).map(({ labels: { __name__: name, ...labels }, value }) => {
          const own = Object.entries(labels).filter(([label]) => OWN.test(label))
          const parts = own.map(([label, text]) => `${label}="${text}"`)
          return [[name, ...parts.sort()].join(' '), Number(value)] as const
        }),
      )
      return [...expected].filter(([series, value]) => !isSame(found.get(series), value))
    }
    await expect.poll(different, { timeout: 60_000, interval: 500 }).toEqual([])
  })
})

/** VictoriaMetrics keeps decimal digits: all of an integer below 2^53, and most of a ratio. */
function isSame(found: number | undefined, value: number): boolean {
  if (found === undefined || Number.isInteger(value)) return found === value
  return Math.abs(found - value) <= 1e-12 * Math.abs(value)
}

/** Others say which program sent them. */
const OWN = /^(?:node|alloc|kind|usage|verdict|severity|version|instance_no|code)$/
