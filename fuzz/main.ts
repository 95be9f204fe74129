/**
 * The program behind `npm run fuzz`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { interruptible, reporter } from '../tools/program.ts'
import type { IndexedFinding } from './block.ts'
import { examine } from './examine.ts'
import { fuzz } from './fuzzer.ts'
import { root } from './root.ts'
import { formatTable, grouped } from './table.ts'
import { inputOf, type Target } from './target.ts'
import { targetNamed, targets } from './targets/all.ts'

const HELP = `Usage: npm run --silent fuzz -- [options]

Feeds what reads bytes from outside with inputs made by chance, and looks whether only the errors come out
that may, in bounded time and memory, and whether all goes on as before.

Options:
  --seconds N     how long; 60 if neither this nor --inputs is given
  --inputs N      so many inputs of each target
  --seed S        the same seed makes the same inputs; 0 to 4294967295, by chance if not given
  --target NAME   this target alone; repeatable
  --index I       only the input of this number, of one target and seed: makes a finding again
  --processes N   side by side; as many as there are cores if not given
  --json          prints one object for programs
  --help          prints this help

Targets:
${targets.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join('\n')}

Results go to standard output, progress to standard error; docs/fuzzing.md explains them. The input of each
finding is written into fuzz/findings/.
Exit codes: 0 nothing found; 1 something found; 2 usage; 130 interrupted.
`

const DEFAULT_SECONDS = 60
const MAX_UINT32 = 0xffff_ffff

/** Milliseconds between two lines of progress. */
const PROGRESS_INTERVAL = 5_000

interface Options {
  readonly targets: readonly Target[]
  readonly seed: number
  readonly time: number
  readonly inputs: number
  readonly index: number | undefined
  readonly processes: number
  readonly json: boolean
  readonly help: boolean
}

const interruption = interruptible()

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = readOptions(args)
  } catch (error) {
    console.error(`fuzz: ${error instanceof Error ? error.message : error}\n(--help says more)`)
    return 2
  }
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (options.index !== undefined) return again(options, options.index)
  const { seed, json } = options
  const report = reporter()
  report(`seed ${seed}, ${options.processes} processes`)
  let told = performance.now()
  const results = await fuzz({
    ...options,
    signal: interruption,
    found: (finding) => tell(finding, seed),
    progress: (inputs) => {
      if (performance.now() - told < PROGRESS_INTERVAL) return
      told = performance.now()
      report(`${grouped(inputs)} inputs`)
    },
  })
  const found = results.reduce((sum, it) => sum + it.findings.length, 0)
  if (json) console.log(JSON.stringify({ beamscope: 'fuzz/1', seed, results }, null, 2))
  else process.stdout.write(`Seed ${seed}\n${formatTable(results)}`)
  if (found > 0) return 1
  return interruption.aborted ? 130 : 0
}

/** One input, here and now, where a debugger can be. */
async function again({ targets: chosen, seed }: Options, index: number): Promise<number> {
  const [target] = chosen
  if (target === undefined) return 2
  const input = inputOf(target, seed, index)
  console.log(`${input.length} bytes: ${write(target.name, seed, index)}`)
  const { verdict, time, growth, finding } = await examine(target, input)
  console.log(`${time.toFixed(1)} ms, ${growth} bytes of memory`)
  console.log(finding === undefined ? verdict : `${finding.kind}: ${finding.what}`)
  return finding === undefined ? 0 : 1
}

function tell({ target, kind, what, index }: IndexedFinding, seed: number): void {
  const command = `npm run --silent fuzz -- --target ${target} --seed ${seed} --index ${index}`
  const path = write(target, seed, index)
  process.stderr.write(
    `\nFOUND in ${target}: ${kind}\n${what}\nagain: ${command}\ninput: ${path}\n\n`,
  )
}

/** For the corpus; returns the path. */
function write(name: string, seed: number, index: number): string {
  const folder = new URL(`fuzz/findings/${name}/`, root)
  mkdirSync(folder, { recursive: true })
  const path = fileURLToPath(new URL(`${seed}-${index}`, folder))
  writeFileSync(path, inputOf(targetNamed(name), seed, index))
  return path
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string' },
      inputs: { type: 'string' },
      seed: { type: 'string' },
      target: { type: 'string', multiple: true, default: [] },
      index: { type: 'string' },
      processes: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { json, help } = values
  const chosen = values.target.length === 0 ? targets : values.target.map(targetNamed)
  const seconds = readNumber('seconds', values.seconds)
  const inputs = readNumber('inputs', values.inputs)
  const seed = readNumber('seed', values.seed)
  const index = readNumber('index', values.index)
  if (seed !== undefined && seed > MAX_UINT32) throw new RangeError('--seed is too large')
  if (index !== undefined && (chosen.length !== 1 || seed === undefined)) {
    throw new RangeError('--index needs one --target and a --seed')
  }
  const isEndless = seconds === undefined && inputs !== undefined
  return {
    targets: chosen,
    seed: seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
    time: isEndless ? Number.POSITIVE_INFINITY : (seconds ?? DEFAULT_SECONDS) * 1000,
    inputs: inputs ?? Number.POSITIVE_INFINITY,
    index,
    processes: Math.max(1, readNumber('processes', values.processes) ?? availableParallelism()),
    json,
    help,
  }
}

function readNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new RangeError(`--${name} is no number`)
  return Number(text)
}
