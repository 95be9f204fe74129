/**
 * The program behind `npm run bench`.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { interruptible, reporter } from '../tools/program.ts'
import { Bench, type Part } from './bench.ts'
import { root } from './product.ts'
import { MissingHereError, messageOf, type Row } from './row.ts'
import { analysisPart } from './rows/analysis.ts'
import { callPart, largePart, pipelinedPart } from './rows/calls.ts'
import { decodePart, encodePart } from './rows/codec.ts'
import { memoryPart } from './rows/memory.ts'
import { oneShotPart } from './rows/one-shot.ts'
import { loadPart, snapshotPart } from './rows/snapshot.ts'
import { replaySweepPart, sweepPart } from './rows/sweep.ts'
import { formatTable } from './table.ts'

const PARTS: readonly Part[] = [
  decodePart,
  encodePart,
  callPart,
  pipelinedPart,
  largePart,
  snapshotPart,
  loadPart,
  oneShotPart,
  sweepPart,
  replaySweepPart,
  analysisPart,
  memoryPart,
]

const HELP = `Usage: npm run --silent bench -- [options]

Measures beamscope, as it is built, beside its peers in the same run, and prints a table of ratios.

Options:
  --only NAME   this part alone; repeatable: ${PARTS.map(({ name }) => name).join(', ')}
  --json        prints one object for programs
  --brief       few and short rounds: to see that all of it works, not to judge a time
  --help        prints this help

Data go to standard output, progress to standard error. docs/performance.md explains the table.
Exit codes: 0 done, whatever the figures are; 1 a part or a peer failed; 2 usage; 130 interrupted.
`

const INSTALL_TIMEOUT = 300_000

const interruption = interruptible()

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof readOptions>
  try {
    options = readOptions(args)
  } catch (error) {
    console.error(`bench: ${messageOf(error)}\n(--help says more)`)
    return 2
  }
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  const rows: Row[] = []
  const failures: { readonly part: string; readonly reason: string }[] = []
  const [load] = loadavg()
  const report = reporter()
  try {
    await installPeers(report)
    await using bench = await Bench.open({
      isBrief: options.brief,
      signal: interruption,
      report,
    })
    for (const part of options.parts) {
      report(part.title)
      try {
        rows.push(...(await part.run(bench)))
      } catch (error) {
        interruption.throwIfAborted()
        if (error instanceof MissingHereError) {
          const { name: group, title: what } = part
          rows.push({ kind: 'absent', group, what, against: 'all', reason: error.message })
          continue
        }
        failures.push({ part: part.name, reason: messageOf(error) })
        report(`${part.title} failed: ${error instanceof Error ? error.stack : error}`)
      }
    }
  } catch (error) {
    console.error(`bench: ${messageOf(error)}`)
    return interruption.aborted ? 130 : 1
  }
  const [processor] = cpus()
  const machine = {
    processors: cpus().length,
    model: processor?.model ?? 'unknown',
    memory: totalmem(),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    // Of the minute before: who else was at work.
    load,
  }
  if (options.json) {
    const rounds = options.brief ? 'brief' : 'full'
    console.log(JSON.stringify({ beamscope: 'bench/1', machine, rounds, rows, failures }, null, 2))
  } else {
    const memory = `${Math.round(machine.memory / 2 ** 30)} GiB`
    console.log(
      `${machine.processors} × ${machine.model}, ${memory}, ${machine.system}, ` +
        `Node.js ${machine.node}, load ${load?.toFixed(1)} before`,
    )
    console.log(options.brief ? 'Brief rounds: no time here means anything.\n' : '')
    process.stdout.write(formatTable(rows))
    for (const { part, reason } of failures) console.log(`\n${part} failed: ${reason}`)
  }
  const hasFailed = rows.some((row) => row.kind === 'absent' && row.isFailure)
  return failures.length === 0 && !hasFailed ? 0 : 1
}

function readOptions(args: readonly string[]): {
  readonly parts: readonly Part[]
  readonly json: boolean
  readonly brief: boolean
  readonly help: boolean
} {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      brief: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { only, ...flags } = values
  const unknown = only.filter((name) => PARTS.every((part) => part.name !== name))
  if (unknown.length > 0) throw new Error(`there is no part ${unknown.join(', ')}`)
  const parts = PARTS.filter(({ name }) => only.length === 0 || only.includes(name))
  return { ...flags, parts }
}

/** The peers of the npm registry, in the versions of the lock file, without scripts or native addons. */
async function installPeers(report: (text: string) => void): Promise<void> {
  const folder = fileURLToPath(new URL('bench', root))
  if (existsSync(`${folder}/node_modules/msgpackr`)) return
  report('installing the peers')
  try {
    await promisify(execFile)('npm', ['ci', '--omit=optional', '--ignore-scripts'], {
      cwd: folder,
      timeout: INSTALL_TIMEOUT,
      signal: interruption,
    })
  } catch (error) {
    interruption.throwIfAborted()
    const output = error instanceof Error && 'stderr' in error ? `: ${error.stderr}` : ''
    throw new Error(`npm ci failed in bench/${output}`, { cause: error })
  }
}
