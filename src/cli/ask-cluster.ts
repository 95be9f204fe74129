/**
 * The one way in which commands ask several nodes: finding them, sweeping them, telling how far it is.
 */
import type { Question } from '../cluster/access.ts'
import { DEFAULT_NODE_TIMEOUT } from '../cluster/bounds.ts'
import type { Discovery, NodeSource } from '../cluster/discover.ts'
import type { SweepResult } from '../cluster/sweep.ts'
import { messageOf } from '../errors.ts'
import { startDeadline, type Waiting } from '../net/deadline.ts'
import type { HiddenNode, HiddenNodeOptions } from '../node/hidden-node.ts'
import type { NodeFailure } from '../present/failures.ts'
import type { ClusterOptions } from './cluster-options.ts'
import type { Context } from './context.ts'
import { exitCode } from './exit-code.ts'
import type { ConnectionOptions } from './options.ts'
import { showProgress } from './progress.ts'
import { withSpinner } from './spinner.ts'
import { readStandardInput } from './standard-input.ts'
import { about, SubjectError } from './subject.ts'
import { UsageError } from './usage-error.ts'

/** Of a whole command that asks several nodes. Milliseconds. */
const DEFAULT_TIMEOUT = 60_000

/** A list of nodes on standard input. */
const MAX_INPUT_SIZE = 16 * 2 ** 20

export interface ClusterQuestion<Answer> {
  readonly ask: Question<Answer>
  /** Is told what became of each node, as it comes; `write` is to be used for standard output meanwhile. */
  take(result: SweepResult<Answer>, write: (text: string) => void): void
}

/** How it went. */
export interface Asked {
  readonly discovery: Discovery
  /** In the order of the list of nodes. */
  readonly failures: readonly NodeFailure[]
  /** Milliseconds. */
  readonly duration: number
}

type Options = ConnectionOptions & ClusterOptions

/**
 * Asks the nodes that are named one way or another. The exit code is that of a partial result if a node, or a
 * source of names, failed, unless it is that of a finding. With `--dry-run` no node is asked.
 *
 * @throws {UsageError} when no node is named, or none is found
 * @throws {SubjectError} around what the only source of names, or the seed of `--via`, failed with
 */
export async function askCluster<Answer>(
  nodes: readonly string[],
  options: Options,
  context: Context,
  question: ClusterQuestion<Answer>,
): Promise<Asked> {
  const start = performance.now()
  const { concurrency, nodeTimeout, timeout: whole = DEFAULT_TIMEOUT, via } = options
  const left = (): Waiting => ({
    timeout: Math.max(1, Math.ceil(start + whole - performance.now())),
    signal: context.signal,
  })
  const { sweep } = await import('../cluster/sweep.ts')
  await using finder = await openFinder(nodes, options, context)
  const { from, reached } = finder
  const discovery = await finder.find()
  const names = discovery.nodes.map(({ name }) => name)
  const failures = new Map<string, NodeFailure>()
  if (!options.dryRun) {
    const sweeping = sweep(names, {
      ...reached,
      ...left(),
      ask: question.ask,
      concurrency,
      from,
      nodeTimeout,
      via,
    })
    using progress = showProgress(context, names.length, () => sweeping.progress)
    await about(via ?? 'the cluster', async () => {
      for await (const result of sweeping) {
        if (result.status === 'failed') failures.set(result.node, result)
        question.take(result, progress.write)
      }
    })
  }
  // What was found is not less true because others failed.
  const isPartial = failures.size + discovery.failures.length > 0
  if (isPartial && context.exitCode === exitCode.done) context.exitCode = exitCode.partial
  return {
    discovery,
    failures: names.flatMap((name) => failures.get(name) ?? []),
    duration: performance.now() - start,
  }
}

/** Which nodes there are, and how they are reached. */
export interface Found {
  readonly discovery: Discovery
  readonly reached: HiddenNodeOptions
}

/**
 * Finds the nodes that are named one way or another, once, for whoever asks them again and again.
 *
 * @throws {UsageError} when no node is named, or none is found
 * @throws {SubjectError} around what the only source of names, or the seed of `--via`, failed with
 */
export async function findNodes(
  nodes: readonly string[],
  options: Options,
  context: Context,
): Promise<Found> {
  await using finder = await openFinder(nodes, options, context)
  const { reached } = finder
  return { discovery: await finder.find(), reached }
}

/** Finds nodes as often as that is wanted. Disposal closes `from`. */
export interface Finder extends AsyncDisposable {
  readonly reached: HiddenNodeOptions
  /** The node of ours for all, where it has a name of its own, under which no other can connect meanwhile. */
  readonly from: HiddenNode | undefined
  /** Whether another time may find others: not where all were named by the user. */
  readonly mayChange: boolean
  /**
   * @throws {UsageError} when none is found
   * @throws {SubjectError} around what the only source of names, or the seed of `--via`, failed with
   */
  find(): Promise<Discovery>
  /**
   * Without a sign of life; what fails is among the failures.
   *
   * @throws the signal's reason
   */
  findAgain(): Promise<Discovery>
}

/** @throws {UsageError} when no node is named */
export async function openFinder(
  nodes: readonly string[],
  options: Options,
  context: Context,
): Promise<Finder> {
  const [{ CLOSE_TIMEOUT, hiddenNodeOptions }, { HiddenNode }] = await Promise.all([
    import('./connect.ts'),
    import('../node/hidden-node.ts'),
  ])
  const sources = await nodeSources(nodes, options, context)
  const reached = await hiddenNodeOptions(options, context)
  const from = reached.name === undefined ? undefined : new HiddenNode(reached)
  return {
    reached,
    from,
    mayChange: sources.some(({ type }) => type !== 'list'),
    find: () => findAmong(sources, { reached, from }, options, context),
    findAgain: async () => {
      try {
        return await look(sources, { reached, from }, options, context)
      } catch (error) {
        context.signal.throwIfAborted()
        return { nodes: [], failures: [{ source: 'finding the nodes', error }] }
      }
    },
    [Symbol.asyncDispose]: async () => from?.close({ timeout: CLOSE_TIMEOUT }),
  }
}

interface Ways {
  readonly reached: HiddenNodeOptions
  readonly from: HiddenNode | undefined
}

async function findAmong(
  sources: readonly NodeSource[],
  ways: Ways,
  options: Options,
  context: Context,
): Promise<Discovery> {
  const looking = look(sources, ways, options, context)
  const discovery = await withSpinner(context, 'finding the nodes', looking)
  if (discovery.nodes.length === 0) throw nothingFound(discovery)
  return discovery
}

async function look(
  sources: readonly NodeSource[],
  { reached, from }: Ways,
  options: Options,
  context: Context,
): Promise<Discovery> {
  const { discover } = await import('../cluster/discover.ts')
  const { concurrency, dnsServer: dnsServers, exclude, match, via } = options
  const controller = new AbortController()
  const { timeout = DEFAULT_TIMEOUT } = options
  const stop = startDeadline('finding the nodes', timeout, context.signal, (reason) =>
    controller.abort(reason),
  )
  return discover(sources, {
    ...reached,
    signal: controller.signal,
    timeout: options.nodeTimeout ?? DEFAULT_NODE_TIMEOUT,
    concurrency,
    from,
    via,
    match,
    exclude,
    dnsServers,
  }).finally(stop)
}

/** @throws {UsageError} when there is none, or two are to come by standard input */
async function nodeSources(
  nodes: readonly string[],
  options: Options,
  context: Context,
): Promise<readonly NodeSource[]> {
  const { alive, cluster = [], dns = [], epmdHost = [], hidden, nodesFile, srv = [], via } = options
  if (hidden && cluster.length === 0) throw new UsageError('--hidden goes with --cluster')
  if (alive !== undefined && dns.length + srv.length === 0) {
    throw new UsageError('--alive goes with --dns and --srv')
  }
  const named = (record: 'address' | 'srv') => (name: string) =>
    ({ type: 'dns', name, record, alive }) as const
  const seeds = cluster.map((node) => ({ type: 'seed', node, hidden: hidden === true }) as const)
  const listed = nodesFile === undefined ? [] : await readNodes(nodesFile, options, context)
  const sources: readonly NodeSource[] = [
    ...(nodes.length === 0 ? [] : [{ type: 'list', names: nodes } as const]),
    ...(listed.length === 0 ? [] : [{ type: 'list', names: listed } as const]),
    ...seeds,
    ...epmdHost.map((host) => ({ type: 'epmd', host }) as const),
    ...dns.map(named('address')),
    ...srv.map(named('srv')),
  ]
  if (sources.length > 0) return sources
  if (nodesFile !== undefined) throw new UsageError(`${nodesFile} names no node`)
  // Whoever asks through a node without saying whom means those that it knows.
  if (via !== undefined) return [{ type: 'seed', node: via }]
  throw new UsageError('no node is named', {
    hint: 'give node names, --cluster NODE for those that a node is connected to, or --nodes-file FILE',
  })
}

/** For `--nodes-file`. */
const STANDARD_INPUT = '-'

async function readNodes(
  file: string,
  { cookieStdin }: Options,
  context: Context,
): Promise<readonly string[]> {
  const { parseNodeList, readNodeList } = await import('../cluster/node-list.ts')
  if (file !== STANDARD_INPUT) return readNodeList(file, { signal: context.signal })
  if (cookieStdin)
    throw new UsageError('the cookie and the nodes cannot both come by standard input')
  const input = await readStandardInput(context, MAX_INPUT_SIZE)
  return parseNodeList(new TextDecoder().decode(input), 'standard input')
}

/** One source that failed is the whole reason; of more, and of patterns, more has to be said. */
function nothingFound({ failures }: Discovery): unknown {
  const [first, ...more] = failures
  if (first !== undefined && more.length === 0) return new SubjectError(first.source, first.error)
  const reasons = failures.map(({ source, error }) => `${source}: ${messageOf(error)}`)
  return new UsageError(['there is no node to ask', ...reasons].join('; '), {
    hint: '--dry-run shows what is found; --match and --exclude leave nodes out',
  })
}
