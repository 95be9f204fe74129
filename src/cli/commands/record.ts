/**
 * `beamscope record`: samples at an interval into one file, for as long as it is wanted.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { toJson } from '../../analysis/json.ts'
import { DEFAULT_NODE_TIMEOUT } from '../../cluster/bounds.ts'
import { feed } from '../../cluster/feed.ts'
import { type Sampled, Sampler, type SamplerOptions } from '../../cluster/sampler.ts'
import { Recorder } from '../../history/recorder.ts'
import { MAX_TIMEOUT } from '../../net/deadline.ts'
import { TimeoutError } from '../../net/errors.ts'
import { formatSize } from '../../present/figures.ts'
import { jsonError, jsonText } from '../../present/json.ts'
import { printable } from '../../present/printable.ts'
import {
  durationText,
  failuresText,
  recorderText,
  resumedText,
  samplesText,
} from '../../present/recording-events.ts'
import { recordingSummary } from '../../present/recording-summary.ts'
import { findNodes } from '../ask-cluster.ts'
import { addClusterOptions, type ClusterOptions } from '../cluster-options.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { exitCode } from '../exit-code.ts'
import { nextCommand } from '../next-command.ts'
import { parseSize } from '../option-values.ts'
import {
  addConnectionOptions,
  addOutputOptions,
  type ConnectionOptions,
  type OutputOptions,
} from '../options.ts'
import { type RecordingLog, startRecordingLog } from '../recording-log.ts'
import { parseSpan } from '../recording-time.ts'
import { intervalOption, LEAST_INTERVAL, samplesOption } from '../sampling-options.ts'
import { withSpinner } from '../spinner.ts'
import { SubjectError } from '../subject.ts'
import { printDryRun } from '../sweep-output.ts'
import { UsageError } from '../usage-error.ts'

interface RecordOptions extends ConnectionOptions, ClusterOptions, OutputOptions {
  readonly output: string
  /** Milliseconds. */
  readonly interval: number
  readonly for?: number
  readonly samples?: number
  /** Bytes. */
  readonly maxSize: number
  /** Milliseconds. */
  readonly maxAge?: number
}

const DEFAULT_INTERVAL = { milliseconds: 10_000, text: '10s' }

/** Of a node with four schedulers seven weeks, with 64 a week. */
const DEFAULT_MAX_SIZE = 256 * 2 ** 20
const MIN_MAX_SIZE = 2 ** 20
const MIN_MAX_AGE = 60_000

/** A reader holds a sample of each node, if it is to have all at once. */
const MAX_NODES = 300

export function recordCommand(context: Context): Command {
  const command = new Command('record').description(
    'Takes a sample of each node at an interval, and appends it to a file: crash-safe, small, and within ' +
      'bounds. Every analysis command reads it with --snapshot; diagnose then knows peaks, growth, and ' +
      'when memory began to be wasted.',
  )
  command.argument('[NODE...]', 'node names, as rabbit@myhost')
  addOutputOptions(command, context)
  for (const option of recordOptions()) command.addOption(option)
  addConnectionOptions(addClusterOptions(command), '10s for each sample')
  command.action((nodes: readonly string[], options: RecordOptions) =>
    record(nodes, options, context),
  )
  return addExamples(
    command,
    [
      'beamscope record rabbit@myhost -o day.recording --for 24h',
      'beamscope record --cluster rabbit@myhost -o cluster.recording --interval 30s --max-age 30d',
      'beamscope record rabbit@myhost -o spike.recording --interval 1s --samples 600 --json',
      'beamscope snapshot show day.recording',
      'beamscope diagnose --snapshot day.recording --memory-limit 8GiB',
    ],
    'Nodes are looked for once, at the start, and one of them has to answer then. Later a node that does ' +
      'not answer is told of once, asked again at each turn, and told of when it is back; the recording goes ' +
      'on. Each sample is one request, as any other command makes, over a connection that stays.\n\n' +
      'A recording that is there is gone on with. What a killed process left unfinished at its end is cut ' +
      'off, and told. When the disk is full, samples are held in memory until there is room, up to 32 MiB.\n\n' +
      'A day takes 5 MB of a node with four schedulers at 10s, and 30 MB with 64. Beyond --max-size, of what ' +
      'is older than a day a sample a minute is kept, of what is older than a week one an hour, and the peaks ' +
      'of each hour and day; then the oldest goes, until a quarter of the size is free. What is older than ' +
      '--max-age goes when a quarter more of that time has passed.\n\n' +
      'It ends after --for or --samples, with 0, or with 6 if one of several nodes never answered; or by ' +
      'Ctrl-C, with 130, or SIGTERM, with 143. The file is whole in any case. With --json it prints what was ' +
      'recorded at the end; with --ndjson a line for each sample, "record-failure/1" where there was no answer.',
  )
}

function recordOptions(): readonly Option[] {
  return [
    new Option('-o, --output <file>', 'the recording, begun or gone on with').makeOptionMandatory(),
    intervalOption(DEFAULT_INTERVAL, LEAST_INTERVAL),
    new Option('--for <duration>', 'end after that time: 90s, 8h, 7d').argParser(parseSpan),
    samplesOption(),
    new Option('--max-size <size>', 'how large the file may become: 50MiB, 1GiB')
      .argParser(parseMaxSize)
      .default(DEFAULT_MAX_SIZE, '256MiB'),
    new Option('--max-age <duration>', 'how old samples may become: 12h, 30d, 52w').argParser(
      parseMaxAge,
    ),
  ]
}

function parseMaxSize(text: string): number {
  const size = parseSize(text)
  if (size < MIN_MAX_SIZE) throw new InvalidArgumentError('It is 1MiB or more.')
  return size
}

function parseMaxAge(text: string): number {
  const age = parseSpan(text)
  if (age < MIN_MAX_AGE) throw new InvalidArgumentError('It is 1m or more.')
  return age
}

async function record(
  names: readonly string[],
  options: RecordOptions,
  context: Context,
): Promise<void> {
  if (options.output === '-') {
    throw new UsageError('a recording is a file, which is gone on with, and not standard output')
  }
  if (options.output === '') throw new UsageError('--output names no file')
  const { discovery, reached } = await findNodes(names, options, context)
  if (options.dryRun) {
    printDryRun({ discovery, failures: [], duration: 0 }, options, context)
    return
  }
  const nodes = discovery.nodes.map(({ name }) => name)
  if (nodes.length > MAX_NODES) {
    throw new UsageError(`${nodes.length} nodes are more than the ${MAX_NODES} of one recording`, {
      hint: '--match and --exclude leave nodes out; record the others into another file',
    })
  }
  const tally = new Tally(nodes)
  const summary = await recordNodes(nodes, reached, tally, options, context)
  // Its time was over before the first answer was, or the first failure.
  if (tally.silent === nodes.length && !context.signal.aborted)
    throw tally.failureOfAll(summary.duration)
  print(summary, options, context)
  context.signal.throwIfAborted()
  const isPartial = tally.silent > 0 || discovery.failures.length > 0
  if (isPartial) context.exitCode = exitCode.partial
}

/** What was recorded. */
interface Summary {
  readonly recorder: Recorder
  readonly tally: Tally
  /** Milliseconds. */
  readonly duration: number
}

async function recordNodes(
  nodes: readonly string[],
  reached: SamplerOptions,
  tally: Tally,
  options: RecordOptions,
  context: Context,
): Promise<Summary> {
  const { concurrency, interval, maxAge, maxSize, output, via } = options
  const { signal } = context
  const start = performance.now()
  let log: RecordingLog | undefined
  const opening = Recorder.open(output, {
    signal,
    maxAge,
    maxSize,
    tell: (event) => log?.tell(recorderText(output, event)),
  })
  const recorder = await withSpinner(context, `looking through ${printable(output)}`, opening)
  const state = (): string =>
    `${printable(output)}: ${samplesText(recorder.samples)}, ${formatSize(recorder.size)}${tally.state}`
  try {
    if (recorder.before !== undefined) context.stderr.write(resumedText(output, recorder.before))
    using shown = startRecordingLog(context, state)
    log = shown
    const clock = new WallClock((text) => shown.tell(text))
    const enough = new AbortController()
    using _timer = after(options.for, () => enough.abort())
    await using sampler = new Sampler({ ...reached, concurrency, via })
    const samples = feed(sampler, nodes, {
      interval,
      timeout: options.nodeTimeout ?? options.timeout ?? DEFAULT_NODE_TIMEOUT,
      signal,
      enough: enough.signal,
      samples: options.samples,
    })
    for await (const sampled of samples) {
      clock.look()
      const change = tally.take(sampled)
      if (sampled.type === 'sample') await recorder.append(sampled.raw)
      if (tally.isHopeless) throw tally.failureOfAll(performance.now() - start)
      if (change !== undefined) shown.tell(change)
      if (options.ndjson) context.stdout.write(lineOf(sampled, recorder))
    }
  } catch (error) {
    // What was recorded until then is kept, and told.
    if (!signal.aborted) throw error
  } finally {
    await recorder.close()
  }
  return { recorder, tally, duration: performance.now() - start }
}

/** Longer than a timer counts. */
function after(duration: number | undefined, run: () => void): Disposable {
  let timer: NodeJS.Timeout | undefined
  const wait = (left: number): void => {
    const turn = Math.min(left, MAX_TIMEOUT)
    timer = setTimeout(() => (left > turn ? wait(left - turn) : run()), turn)
  }
  if (duration !== undefined) wait(duration)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Samples say when they were taken by the clock of this machine, which somebody may set back. */
class WallClock {
  readonly #tell: (text: string) => void
  #ahead = Date.now() - performance.now()

  constructor(tell: (text: string) => void) {
    this.#tell = tell
  }

  look(): void {
    const ahead = Date.now() - performance.now()
    const back = this.#ahead - ahead
    this.#ahead = ahead
    if (back < LEAST_JUMP) return
    this.#tell(`the clock was set back by ${durationText(back)}: so are the times of samples`)
  }
}

/** Smaller steps are those of a clock that is kept right. Milliseconds. */
const LEAST_JUMP = 1_000

/** What became of a node. */
interface Account {
  samples: number
  failures: number
  /** Why it does not answer now, and since when; in milliseconds since 1970. */
  failing: { readonly error: unknown; readonly since: number; count: number } | undefined
}

/** Of each node, how it went. */
class Tally {
  readonly #accounts: ReadonlyMap<string, Account>

  constructor(nodes: readonly string[]) {
    this.#accounts = new Map(
      nodes.map((node) => [node, { samples: 0, failures: 0, failing: undefined }]),
    )
  }

  /** What is to be told: that a node does not answer any more, or that it does again. */
  take(sampled: Sampled): string | undefined {
    const account = this.#accounts.get(sampled.node)
    if (account === undefined) return undefined
    const node = printable(sampled.node)
    const { failing } = account
    if (sampled.type === 'sample') {
      account.samples += 1
      account.failing = undefined
      if (failing === undefined) return undefined
      const time = durationText(sampled.time - failing.since)
      return `${node} answers again, after ${time} and ${failuresText(failing.count)}`
    }
    account.failures += 1
    if (failing !== undefined) {
      failing.count += 1
      return undefined
    }
    account.failing = { error: sampled.error, since: sampled.time, count: 1 }
    return `${node} does not answer: ${printable(jsonError(sampled.error).message)}`
  }

  /** Whether each node was asked, and none has ever answered. */
  get isHopeless(): boolean {
    return [...this.#accounts.values()].every(
      ({ samples, failures }) => samples === 0 && failures > 0,
    )
  }

  /** Why the first node that failed does not answer; or that the first one did not in so many milliseconds. */
  failureOfAll(duration: number): SubjectError {
    const accounts = [...this.#accounts]
    const failed = accounts.find(([, { failing }]) => failing !== undefined)
    const [node, account] = failed ?? accounts[0] ?? ['', undefined]
    const late = (): TimeoutError =>
      new TimeoutError('the first sample', Math.round(duration), '--for')
    return new SubjectError(node, account?.failing?.error ?? late())
  }

  /** How many nodes have never answered. */
  get silent(): number {
    return [...this.#accounts.values()].filter(({ samples }) => samples === 0).length
  }

  /** For the line that changes. */
  get state(): string {
    const failing = [...this.#accounts].filter(([, { failing }]) => failing !== undefined)
    const [first] = failing
    if (first === undefined) return ''
    if (failing.length > 1) return `; ${failing.length} nodes do not answer`
    return `; ${printable(first[0])} does not answer`
  }

  get failures(): number {
    return [...this.#accounts.values()].reduce((sum, { failures }) => sum + failures, 0)
  }

  get nodes(): readonly (Pick<Account, 'samples' | 'failures'> & {
    readonly node: string
    readonly failure: ReturnType<typeof jsonError> | undefined
  })[] {
    return [...this.#accounts].map(([node, { samples, failures, failing }]) => ({
      node,
      samples,
      failures,
      failure: failing && jsonError(failing.error),
    }))
  }
}

function lineOf(sampled: Sampled, { file, size }: Recorder): string {
  const { node } = sampled
  if (sampled.type === 'sample') {
    return jsonText('record-sample', { ...sampled.snapshot, node }, { file, bytes: size })
  }
  const takenAt = new Date(sampled.time).toISOString()
  return jsonText('record-failure', { node, takenAt }, jsonError(sampled.error))
}

function print(
  { recorder, tally, duration }: Summary,
  options: RecordOptions,
  context: Context,
): void {
  const { before, compactions, file, lost, samples, size } = recorder
  const { failures, nodes } = tally
  if (options.json || options.ndjson) {
    const data = {
      file,
      bytes: size,
      samples,
      failures,
      lost,
      compactions,
      interval: options.interval,
      duration: Math.round(duration),
      nodes,
      before: before && recordingSummary(before),
    }
    context.stdout.write(jsonText('record', {}, toJson(data)))
  }
  const failed = failures === 0 ? '' : `, ${failuresText(failures)}`
  const left = lost === 0 ? '' : `, ${samplesText(lost)} lost`
  const recorded = nodes.find(({ samples }) => samples > 0)
  const of = nodes.length > 1 && recorded !== undefined ? { of: recorded.node } : {}
  const next = nextCommand('diagnose', undefined, { snapshot: file, ...of })
  context.stderr.write(
    `${printable(file)}: ${samplesText(samples)} recorded in ${durationText(duration)}${failed}${left}; ` +
      `${formatSize(size)}\n${samples === 0 ? '' : `Next: ${next}\n`}`,
  )
}
