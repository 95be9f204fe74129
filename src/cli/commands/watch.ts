/**
 * `beamscope watch`: nodes, live.
 */
import { once } from 'node:events'
import { ReadStream, WriteStream } from 'node:tty'
import { Command, Option } from 'commander'
import type { Unit } from '../../analysis/unit.ts'
import { DEFAULT_NODE_TIMEOUT } from '../../cluster/bounds.ts'
import { feed } from '../../cluster/feed.ts'
import { type Sampled, Sampler } from '../../cluster/sampler.ts'
import { parseNodeName } from '../../dist/node-name.ts'
import { paperOf } from '../../present/paper.ts'
import { failureLine, jsonFailureLine, jsonLine, textLine } from '../../watch/lines.ts'
import { takesUtf8 } from '../../watch/locale.ts'
import { lookOf } from '../../watch/look.ts'
import { WATCH_ORDERS, type WatchOrder } from '../../watch/order.ts'
import { findNodes } from '../ask-cluster.ts'
import { addClusterOptions, type ClusterOptions } from '../cluster-options.ts'
import type { Context } from '../context.ts'
import { addExamples } from '../examples.ts'
import { exitCode, exitCodeOf } from '../exit-code.ts'
import { parseDuration } from '../option-values.ts'
import {
  addConnectionOptions,
  addVerboseOption,
  type ConnectionOptions,
  unitOption,
} from '../options.ts'
import { intervalOption, LEAST_INTERVAL, samplesOption } from '../sampling-options.ts'
import { printDryRun } from '../sweep-output.ts'
import { UsageError } from '../usage-error.ts'

interface WatchOptions extends ConnectionOptions, ClusterOptions {
  readonly interval: number
  readonly sort: WatchOrder
  readonly unit?: Unit
  readonly samples?: number
  readonly for?: number
}

const DEFAULT_INTERVAL = { milliseconds: 2_000, text: '2s' }

/** Of each node its last answer is kept; a cluster that is larger is for `sweep`. */
const MAX_NODES = 100

export function watchCommand(context: Context): Command {
  const command = new Command('watch').description(
    'Shows nodes live: the verdict in words, usage, allocated, used, resident and waste with their ' +
      'course, each allocator, and its instances. Where there is no terminal, it prints a line per ' +
      'sample and node.',
  )
  command.argument('[NODE...]', 'node names, as rabbit@myhost')
  addVerboseOption(command, context)
  command
    .addOption(intervalOption(DEFAULT_INTERVAL, LEAST_INTERVAL))
    .addOption(
      new Option('--sort <by>', 'which allocators come first')
        .choices(WATCH_ORDERS)
        .default('waste'),
    )
    .addOption(unitOption())
    .addOption(samplesOption())
    .addOption(new Option('--for <duration>', 'end after that time').argParser(parseDuration))
  addConnectionOptions(addClusterOptions(command), '10s for each sample')
  command.action((nodes: readonly string[], options: WatchOptions) =>
    watch(nodes, options, context),
  )
  return addExamples(
    command,
    [
      'beamscope watch rabbit@myhost',
      'beamscope watch a@host1 b@host2 --interval 5s --sort allocated',
      'beamscope watch --cluster rabbit@myhost --match "rabbit*"',
      'beamscope watch rabbit@myhost --interval 10s > rabbit.log',
      'beamscope watch rabbit@myhost --ndjson --samples 30 | jq .data.waste',
    ],
    'Keys: arrows or j and k select an allocator, Enter shows its instances that hold more than always, ' +
      's sorts, u changes the unit, Space freezes the screen while sampling goes on, w saves what is shown ' +
      'as a snapshot file in the current folder, Tab or a digit goes to another node, ? explains, q ' +
      'quits.\n\n' +
      'usage is used through allocated; waste is what carriers hold unused above the floor that an idle ' +
      'node has too. Look for waste that stays when used has fallen: that is fragmentation, and ' +
      'beamscope diagnose says what to try. A node that does not answer shows why, and comes back by ' +
      'itself; its last figures stay, dim.\n\n' +
      `Nodes are looked for once, at the start; up to ${MAX_NODES}. Each sample is one request, as any other ` +
      'command makes, over a connection that stays. Nothing is kept: beamscope record writes samples to a ' +
      'file.\n\n' +
      'Keys need a terminal on standard input as well. Its exit code is 0 after q, and 130 after Ctrl-C; ' +
      'where --samples or --for end it, that of the error if the only node never answered, and 6 if some ' +
      'of several never did. With --ndjson a line is an object, "watch-failure/1" where there was no answer.',
  )
}

/** @throws {UsageError} where the current folder is gone: what draws wants one as it is loaded */
async function loadScreen(): Promise<typeof import('../../watch/on-screen.ts')> {
  try {
    process.cwd()
  } catch {
    throw new UsageError('the current folder is gone', {
      hint: 'go to one that is there: the screen needs it, and saves snapshot files to it',
    })
  }
  const onScreen = await import('../../watch/on-screen.ts')
  await onScreen.loadScreen()
  return onScreen
}

async function watch(
  names: readonly string[],
  options: WatchOptions,
  context: Context,
): Promise<void> {
  for (const name of names) parseNodeName(name)
  const terminal = terminalOf(options, context)
  // While nodes are looked for, what draws is loaded; who prints lines needs none of it.
  const loading = terminal === undefined ? undefined : loadScreen()
  loading?.catch(() => {})
  const { discovery, reached } = await findNodes(names, options, context)
  if (options.dryRun) {
    printDryRun({ discovery, failures: [], duration: 0 }, options, context)
    return
  }
  const nodes = discovery.nodes.map(({ name }) => name)
  if (nodes.length > MAX_NODES) {
    throw new UsageError(
      `${nodes.length} nodes are more than the ${MAX_NODES} that can be watched`,
      {
        hint: '--match and --exclude leave nodes out; beamscope sweep shows the worst of any number',
      },
    )
  }
  const { concurrency, interval, nodeTimeout, timeout, via } = options
  const enough = new AbortController()
  const outcomes = new Outcomes(nodes)
  {
    await using sampler = new Sampler({ ...reached, concurrency, via })
    const samples = feed(sampler, nodes, {
      interval,
      timeout: nodeTimeout ?? timeout ?? DEFAULT_NODE_TIMEOUT,
      signal: context.signal,
      enough: enough.signal,
      samples: options.samples,
      duration: options.for,
    })
    if (terminal === undefined || loading === undefined) {
      await printLines(samples, outcomes, options, context)
    } else {
      const { watchOnScreen } = await loading
      const style = {
        colors: paperOf(terminal.stdout, context.env).colors,
        isAscii: !takesUtf8(context.env),
      }
      const { sort, unit } = options
      const end = await watchOnScreen(samples, {
        ...terminal,
        model: { nodes, interval, sort, unit },
        style,
        signal: context.signal,
        stop: () => enough.abort(),
        take: (sampled) => outcomes.take(sampled),
      })
      if (end === 'interrupted') context.exitCode = exitCode.interrupted
      if (end !== 'over') return
    }
  }
  context.exitCode = outcomes.exitCode
}

/** Where it can draw, and be told what to do. */
function terminalOf(
  { dryRun, ndjson }: WatchOptions,
  context: Context,
): { readonly stdin: ReadStream; readonly stdout: WriteStream } | undefined {
  const { env, stdout } = context
  if (dryRun || ndjson || env.TERM === 'dumb' || !(stdout instanceof WriteStream)) return undefined
  const { stdin } = context
  return stdin instanceof ReadStream ? { stdin, stdout } : undefined
}

/** Each as soon as it is there. Whoever reads slowly gets fewer. */
async function printLines(
  samples: AsyncIterable<Sampled>,
  outcomes: Outcomes,
  options: WatchOptions,
  { env, signal, stdout }: Context,
): Promise<void> {
  const { colors } = paperOf(stdout, env)
  const { ndjson, sort, unit } = options
  const view = { sort, unit }
  for await (const sampled of samples) {
    outcomes.take(sampled)
    const isWritten = stdout.write(lineOf(sampled))
    if (!isWritten) await once(stdout, 'drain', { signal }).catch(() => signal.throwIfAborted())
  }

  function lineOf(sampled: Sampled): string {
    if (sampled.type === 'sample') {
      const look = lookOf(sampled)
      return ndjson ? jsonLine(look, view) : `${textLine(look, view, colors)}\n`
    }
    const { node, time, error } = sampled
    return ndjson
      ? jsonFailureLine(node, time, error)
      : `${failureLine(node, time, error, colors)}\n`
  }
}

/** Of each node: whether it ever answered, and if not, why. */
class Outcomes {
  readonly #silent: Map<string, unknown>
  readonly #isOne: boolean

  constructor(nodes: readonly string[]) {
    this.#silent = new Map(nodes.map((node) => [node, undefined]))
    this.#isOne = nodes.length === 1
  }

  take(sampled: Sampled): void {
    if (sampled.type === 'sample') this.#silent.delete(sampled.node)
    else if (this.#silent.has(sampled.node)) this.#silent.set(sampled.node, sampled.error)
  }

  get exitCode(): number {
    const errors = [...this.#silent.values()].filter((error) => error !== undefined)
    const [error] = errors
    if (error === undefined) return exitCode.done
    return this.#isOne ? exitCodeOf(error) : exitCode.partial
  }
}
