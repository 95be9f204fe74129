/**
 * What `beamscope serve` does: finds the nodes, samples them, and serves what they say until it is interrupted.
 */
import { setTimeout as delay } from 'node:timers/promises'
import manifest from '../../package.json' with { type: 'json' }
import type { History } from '../analysis/history.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import { DEFAULT_NODE_TIMEOUT } from '../cluster/bounds.ts'
import type { Discovery } from '../cluster/discover.ts'
import { Roster } from '../cluster/roster.ts'
import { Sampler } from '../cluster/sampler.ts'
import { messageOf } from '../errors.ts'
import { anySignal } from '../net/any-signal.ts'
import { startDeadline } from '../net/deadline.ts'
import { hintOf } from '../present/error-text.ts'
import { printable } from '../present/printable.ts'
import { type AppOptions, createApp } from '../serve/app.ts'
import { isLoopback } from '../serve/listen-address.ts'
import { Observations, type ObservedNode } from '../serve/observations.ts'
import { startOtlp } from '../serve/otlp.ts'
import { Page } from '../serve/page.ts'
import { startServer } from '../serve/server.ts'
import type { Token } from '../serve/token.ts'
import { Viewers } from '../serve/viewers.ts'
import { askCluster, openFinder } from './ask-cluster.ts'
import { isSweep } from './cluster-options.ts'
import type { ServeOptions } from './commands/serve.ts'
import type { Context } from './context.ts'
import { findToken } from './find-token.ts'
import { nextCommand } from './next-command.ts'
import { readPageAssets } from './page-assets.ts'
import { printDryRun } from './sweep-output.ts'
import { openFile, readOpened } from './target.ts'
import { UsageError } from './usage-error.ts'

/** Serves until it is interrupted. */
export async function serveNodes(
  nodes: readonly string[],
  options: ServeOptions,
  context: Context,
): Promise<void> {
  const { listen } = options
  if (options.ndjson) throw new UsageError('serve prints nothing of a node; --ndjson is for sweep')
  const token = await findToken(options, context)
  if (token === undefined && !isLoopback(listen.host)) {
    throw new UsageError(`whoever reaches ${listen.host} would see the nodes: a token is needed`, {
      hint: 'give one by --token-file FILE or BEAMSCOPE_TOKEN, or listen on 127.0.0.1',
    })
  }
  if (options.dryRun) {
    await askCluster(nodes, options, context, NOTHING_ASKED).then((asked) =>
      printDryRun(asked, options, context),
    )
    return
  }
  if (options.snapshot !== undefined)
    await serveFile(options.snapshot, nodes, options, token, context)
  else await serveLive(nodes, options, token, context)
}

/** With `--dry-run`. */
const NOTHING_ASKED = { ask: async () => undefined, take: () => {} }

async function serveLive(
  nodes: readonly string[],
  options: ServeOptions,
  token: Token | undefined,
  context: Context,
): Promise<void> {
  const { concurrency, interval, nodeTimeout = DEFAULT_NODE_TIMEOUT, via } = options
  await using finder = await openFinder(nodes, options, context)
  const { from, reached } = finder
  const say = sayer(context)
  const sayFailures = failureSayer(say)
  const discovery = await finder.find()
  sayFailures(discovery)
  const roster = new Roster()
  const { come } = roster.take(discovery, performance.now())
  const observations = new Observations(come)
  const maxAge = 2 * interval + nodeTimeout
  await using sampler = new Sampler({ ...reached, from, via, concurrency })
  await serving({ observations, maxAge, token }, options, context, async () => {
    observations.listen(changes(say, observations))
    // Whichever of the two fails ends the other.
    const ended = new AbortController()
    using any = anySignal([context.signal, ended.signal])
    const { signal } = any
    const sample = async (): Promise<void> => {
      const samples = sampler.samples(roster.names, { interval, timeout: nodeTimeout, signal })
      for await (const sampled of samples) observations.take(sampled)
    }
    const look = async (): Promise<void> => {
      while (finder.mayChange) {
        await delay(options.findInterval, undefined, { signal }).catch(() =>
          signal.throwIfAborted(),
        )
        const found = await finder.findAgain()
        sayFailures(found)
        const isUp = (node: string): boolean => observations.find(node)?.isUp === true
        const changed = roster.take(found, performance.now(), isUp)
        for (const node of changed.come) {
          observations.add(node)
          say(`${node} was found`)
        }
        for (const node of changed.gone) {
          observations.remove(node)
          say(`${node} is left out: nobody has known of it, and it has not answered`)
          await sampler.forget(node)
        }
      }
    }
    await Promise.all([sample(), look()]).finally(() => ended.abort())
  })
}

/** Says what is wrong with the sources of names, once until it changes. */
function failureSayer(say: (line: string) => void): (discovery: Discovery) => void {
  let told: ReadonlySet<string> = new Set()
  return ({ failures }) => {
    const lines = new Set(failures.map(({ error, source }) => `${source}: ${messageOf(error)}`))
    for (const line of lines) if (!told.has(line)) say(line)
    told = lines
  }
}

async function serveFile(
  file: string,
  nodes: readonly string[],
  options: ServeOptions,
  token: Token | undefined,
  context: Context,
): Promise<void> {
  if (isSweep(nodes, options) || nodes.length > 0) {
    throw new UsageError('NODE and --snapshot exclude each other')
  }
  const recorded = await readFile(file, options, context)
  const observations = new Observations(recorded.map(({ node }) => node))
  for (const { history, node, snapshot } of recorded) {
    observations.find(node)?.recall(snapshot, history)
  }
  await serving({ observations, maxAge: undefined, token }, options, context, () =>
    aborted(context.signal),
  )
}

/** The sample of a node that was asked for, and what was before it. */
interface Recorded {
  readonly node: string
  readonly snapshot: Snapshot
  readonly history: History | undefined
}

/** Each node that the file holds, or the one that was chosen. */
async function readFile(
  file: string,
  options: ServeOptions,
  context: Context,
): Promise<readonly Recorded[]> {
  const opened = await openFile(file, context)
  if ('snapshot' in opened) {
    const { label, snapshot } = await readOpened(opened, options, context)
    return [{ node: snapshot.node ?? label, snapshot, history: undefined }]
  }
  const { recording } = opened
  const { readRecordingIndex, readRecordingTarget } = await import('./recording-target.ts')
  const { index } = await readRecordingIndex(recording, context)
  const names = options.of === undefined ? index.nodes.map(({ node }) => node) : [options.of]
  const recorded: Recorded[] = []
  for (const node of names) {
    const target = await readRecordingTarget(recording, { ...options, of: node }, context)
    recorded.push({ ...target, node })
  }
  return recorded
}

/** Serves while `work` goes on. */
async function serving(
  { maxAge, observations, token }: Pick<AppOptions, 'maxAge' | 'observations' | 'token'>,
  options: ServeOptions,
  context: Context,
  work: () => Promise<void>,
): Promise<void> {
  const { instances = false, interval, listen, otlp } = options
  const { version } = manifest
  const page = new Page(observations, {
    assets: await readPageAssets(),
    version,
    next: (command, node) =>
      nextCommand(command, options.snapshot === undefined ? node : undefined, options),
  })
  const viewers = new Viewers(observations, page)
  const app = createApp({ observations, page, viewers, token, version, instances, maxAge })
  const say = sayer(context)
  await using _otlp =
    otlp === undefined
      ? undefined
      : await startOtlp(observations, {
          url: otlp === true ? undefined : otlp,
          interval,
          version,
          instances,
          told: onChange((error) =>
            say(error === undefined ? 'the collector takes metrics' : `OTLP: ${error.message}`),
          ),
        })
  await using server = await startServer(app, listen)
  const { nodes } = observations
  const what = nodes.length === 1 ? (nodes[0]?.node ?? '') : `${nodes.length} nodes`
  say(`Serving ${what} at ${server.url}; Ctrl-C ends it.`)
  try {
    await work()
  } finally {
    // Before the server, which waits for what it is writing.
    viewers.close()
  }
}

/** Tells of errors when they change. */
function onChange(tell: (error: Error | undefined) => void): (error: Error | undefined) => void {
  let told: string | undefined
  return (error) => {
    const text = error?.message ?? ''
    if (text === told) return
    told = text
    tell(error)
  }
}

/** @throws the signal's reason */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    startDeadline('', undefined, signal, reject)
  })
}

/** Writes lines for people. */
function sayer({ stderr }: Context): (line: string) => void {
  return (line) => {
    stderr.write(`${printable(line)}\n`)
  }
}

/** Says when a node begins or ceases to answer, and not each time that it goes on so. */
function changes(
  say: (line: string) => void,
  observations: Observations,
): (node: ObservedNode) => void {
  const told = new Map<string, string>()
  return ({ node, silence }) => {
    if (observations.find(node) === undefined) {
      told.delete(node)
      return
    }
    const { error } = silence ?? {}
    const message = messageOf(error)
    const hint = hintOf(error)
    const line =
      silence === undefined
        ? `${node} answers`
        : `${message.includes(node) ? message : `${node}: ${message}`}${hint === undefined ? '' : ` (${hint})`}`
    if (told.get(node) === line) return
    told.set(node, line)
    say(line)
  }
}
