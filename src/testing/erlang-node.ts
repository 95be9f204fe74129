/**
 * Starts real Erlang nodes for tests, in Docker or from PATH: each with a port mapper of its own, on
 * loopback alone.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Waiting } from '../net/deadline.ts'
import { createDeadline } from './deadline.ts'
import {
  EvaluationError,
  InvalidNodeOptionError,
  IsolationUnavailableError,
  NodeLinkError,
  NodeNotReadyError,
  ReconUnavailableError,
  ReleaseUnavailableError,
} from './errors.ts'
import { type EvaluationTarget, evaluateOn } from './evaluation.ts'
import { findFreePort } from './free-port.ts'
import type { ErlangRelease } from './images.ts'
import { Keeper } from './keeper.ts'
import {
  createContainerPlace,
  createIsolatedPlace,
  createPathPlace,
  type IsolatedPlace,
  type LinkState,
  type Place,
  type PlaceOptions,
} from './place.ts'
import {
  type Choice,
  chooseRelease,
  isolationMissing,
  reconFolder,
  reconMissing,
  type Survey,
  surveyReleases,
} from './releases.ts'

/** The time-out and the signal are those of the start, not of the node: 60 seconds by default. */
export interface ErlangNodeOptions extends Waiting {
  /** The newest that Docker has an image of by default, else the one on PATH. */
  readonly release?: ErlangRelease
  /** Arguments of `erl`, such as `+S 4:4` (in two) or `-kernel net_ticktime 4` (in three). */
  readonly emulatorArguments?: readonly string[]
  /**
   * Arguments that others must share to speak with the node, such as `-proto_dist inet_tls`. With them
   * `evaluate` runs an `erl` in place of `erl_call`, which takes a second and not a tenth.
   */
  readonly distributionArguments?: readonly string[]
  /**
   * `NAME` for `NAME@127.0.0.1`, or `NAME@HOST`, whose host need not exist, unless `evaluate` has to run
   * an `erl`. Unique by default.
   */
  readonly name?: string
  /** Random by default. */
  readonly cookie?: string
  /**
   * 6 for a node that listens on ::1, and is named `NAME@::1`: then `-proto_dist inet6_tcp` comes first
   * of the `distributionArguments`, unless they name another. 4 by default.
   */
  readonly family?: 4 | 6
  /** Of another node, to share its port mapper, so that both find each other; it ends with that node. */
  readonly epmdPort?: number
  /** Folders of this machine that the node reads, under the same path. */
  readonly folders?: readonly string[]
  /** Puts recon on the node's code path. */
  readonly withRecon?: boolean
  /** {@link IsolatedErlangNodeOptions} have it. */
  readonly isolated?: false
}

export interface IsolatedErlangNodeOptions
  extends Omit<ErlangNodeOptions, 'family' | 'epmdPort' | 'isolated'> {
  /** Gives the node a network of its own, which takes Docker; 127.0.0.1 shows its ports alone. */
  readonly isolated: true
}

/** A running node. Disposal kills it; then nothing is left of it or of its port mapper. */
export interface ErlangNode extends AsyncDisposable {
  readonly name: string
  readonly release: number
  /** Where the node and its port mapper listen, whatever the name says. */
  readonly host: '127.0.0.1' | '::1'
  /** Another one after a restart. */
  readonly port: number
  readonly epmdPort: number
  readonly cookie: string
  /**
   * The value of the last of these expressions, as `~0tp` prints it. Each call is evaluated by a process
   * of its own, which has ended when the answer comes; an ETS table that is to stay needs another owner.
   * The time-out is 30 seconds by default.
   *
   * @throws {EvaluationError} an exception, a syntax error, or no answer in time
   */
  evaluate(expression: string, waiting?: Waiting): Promise<string>
  /** The last megabyte of what the node and its port mapper printed. */
  logs(): Promise<string>
  /** Suspends the emulator; its port mapper still names it, and the kernel still takes connections. */
  pause(): Promise<void>
  resume(): Promise<void>
  /**
   * Kills the emulator and starts it anew, under its name, with a creation of its own; then waits as the
   * start did, and throws what the start throws.
   */
  restart(waiting?: Waiting): Promise<void>
  /** Kills the port mapper that this node has brought; the node lives on. */
  killEpmd(): Promise<void>
  /** Starts one where none answers. Nodes come back to it within seconds, those of OTP 23 never. */
  startEpmd(): Promise<void>
  /** Ends the node in order, which takes a second, and kills it after fifteen. Twice is harmless. */
  stop(): Promise<void>
  /** Kills the node at once. Twice is harmless, and so is one after the other. */
  kill(): Promise<void>
}

/** A node whose network can be cut: it hears nothing, and says nothing, while it runs on. */
export interface IsolatedErlangNode extends ErlangNode {
  /**
   * Cuts the network: connections go silent, and neither end is told. A new one is taken by Docker's proxy
   * on most machines, and closed after seconds. `evaluate` still works.
   */
  disconnect(): Promise<void>
  /** Gives it back; it may take some seconds until connections come about again. */
  reconnect(): Promise<void>
}

const defaultStartTimeout = 60_000
const stopTimeout = 15_000

/** The first question may meet a node whose servers are not all up, and is then lost. */
const firstAnswerTimeout = { erlCall: 3_000, erl: 20_000 }

let names = 0
let survey: Promise<Survey> | undefined

/**
 * Starts a node and waits until it is booted and answers, which takes a second or two. It ends on
 * disposal, and with this process, however that ends.
 *
 * @throws {ReleaseUnavailableError} neither Docker nor PATH has the release
 * @throws {ReconUnavailableError} recon is wanted and not there
 * @throws {IsolationUnavailableError} isolation is wanted, and the release is on PATH alone
 * @throws {NoFreePortError} no port is left for its port mapper
 * @throws {InvalidNodeOptionError} a name or cookie that a node cannot have
 * @throws {NodeExitedError} the node ended before it was ready; with its logs
 * @throws {NodeNotReadyError} it was not ready in time; with its logs
 */
export function startErlangNode(options: IsolatedErlangNodeOptions): Promise<IsolatedErlangNode>
export function startErlangNode(options?: ErlangNodeOptions): Promise<ErlangNode>
export async function startErlangNode(
  options: ErlangNodeOptions | IsolatedErlangNodeOptions = {},
): Promise<ErlangNode> {
  options.signal?.throwIfAborted()
  const { timeout = defaultStartTimeout } = options
  const host = !options.isolated && options.family === 6 ? '::1' : '127.0.0.1'
  const name = nodeName(options.name, host)
  const cookie = nodeCookie(options.cookie)
  const distributionArguments = distributionOver(host, options.distributionArguments)
  survey ??= surveyReleases()
  const choice = chooseRelease(await survey, options.release)
  if (choice.where === 'nowhere') {
    throw new ReleaseUnavailableError(options.release, choice.reason, choice.hint)
  }
  const recon = options.withRecon ? requireRecon(choice) : undefined
  const epmdPort = (options.isolated ? undefined : options.epmdPort) ?? (await findFreePort())
  const placeOptions = { epmdPort, folders: options.folders ?? [] }
  const isolated = options.isolated ? await isolatedPlace(choice, placeOptions) : undefined
  const place = isolated ?? (await sharedPlace(choice, placeOptions))

  const keeper = new Keeper({
    node: name,
    cookie,
    wrap: place.wrapKeeper,
    environment: place.environment,
    erlArguments: [
      '-noinput',
      '-name',
      name,
      // The keeper starts it, to end it with the node.
      '-start_epmd',
      'false',
      '-kernel',
      ...(isolated === undefined ? loopback[host] : everywhere(isolated.port)),
      ...(recon === undefined ? [] : ['-pa', recon]),
      ...distributionArguments,
      ...(options.emulatorArguments ?? []),
    ],
  })
  try {
    using deadline = createDeadline(`the start of ${name}`, timeout, options.signal)
    const port = await keeper.registered(deadline.signal)
    const target: EvaluationTarget = {
      name,
      port,
      place,
      distributionArguments,
      logs: () => keeper.logs,
    }
    await answered(target, deadline.signal)
    const facts = { release: choice.release, host, epmdPort, cookie } as const
    return isolated === undefined
      ? new RunningNode(target, keeper, facts)
      : new IsolatedNode(isolated, target, keeper, facts)
  } catch (error) {
    await end(keeper, place)
    options.signal?.throwIfAborted()
    throw error
  }
}

class RunningNode implements ErlangNode {
  readonly name: string
  readonly release: number
  readonly host: ErlangNode['host']
  readonly epmdPort: number
  readonly cookie: string
  readonly #keeper: Keeper
  #target: EvaluationTarget
  #end: Promise<void> | undefined

  constructor(
    target: EvaluationTarget,
    keeper: Keeper,
    facts: Pick<ErlangNode, 'release' | 'host' | 'epmdPort' | 'cookie'>,
  ) {
    this.name = target.name
    this.release = facts.release
    this.host = facts.host
    this.epmdPort = facts.epmdPort
    this.cookie = facts.cookie
    this.#target = target
    this.#keeper = keeper
  }

  get port(): number {
    return this.#target.port
  }

  evaluate(expression: string, waiting: Waiting = {}): Promise<string> {
    return evaluateOn(this.#target, expression, waiting)
  }

  async logs(): Promise<string> {
    return this.#keeper.logs
  }

  pause(): Promise<void> {
    return this.#keeper.command('STOP')
  }

  resume(): Promise<void> {
    return this.#keeper.command('CONT')
  }

  async restart(waiting: Waiting = {}): Promise<void> {
    const { timeout = defaultStartTimeout, signal } = waiting
    using deadline = createDeadline(`the restart of ${this.name}`, timeout, signal)
    try {
      const port = await this.#keeper.restarted(deadline.signal)
      this.#target = { ...this.#target, port }
      await answered(this.#target, deadline.signal)
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  }

  killEpmd(): Promise<void> {
    return this.#keeper.command('KILL_EPMD')
  }

  startEpmd(): Promise<void> {
    return this.#keeper.command('START_EPMD')
  }

  stop(): Promise<void> {
    this.#end ??= this.#stopInOrder()
    return this.#end
  }

  kill(): Promise<void> {
    this.#keeper.cut()
    this.#end ??= end(this.#keeper, this.#target.place)
    return this.#end
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  async #stopInOrder(): Promise<void> {
    try {
      // A suspended emulator would not see the other.
      await this.#keeper.command('CONT')
      await this.#keeper.command('TERM')
      await Promise.race([this.#keeper.ended, delay(stopTimeout, undefined, { ref: false })])
    } catch {
      // It has ended by itself, or hangs: either way what is left goes now.
    }
    await end(this.#keeper, this.#target.place)
  }
}

class IsolatedNode extends RunningNode implements IsolatedErlangNode {
  readonly #place: IsolatedPlace

  constructor(place: IsolatedPlace, ...running: ConstructorParameters<typeof RunningNode>) {
    super(...running)
    this.#place = place
  }

  disconnect(): Promise<void> {
    return this.#setLink('down')
  }

  reconnect(): Promise<void> {
    return this.#setLink('up')
  }

  async #setLink(state: LinkState): Promise<void> {
    const { status, stderr } = await this.#place.setLink(state)
    if (status !== 0) {
      throw new NodeLinkError(this.name, state, stderr.trim())
    }
  }
}

/** Ends the keeper and all that it keeps, and removes what they leave. */
async function end(keeper: Keeper, place: Place): Promise<void> {
  keeper.cut()
  const hangs = delay(stopTimeout, 'hangs', { ref: false })
  if ((await Promise.race([keeper.ended, hangs])) === 'hangs') {
    keeper.abandon()
  }
  await place.remove()
}

/** Asks until the node says that it is booted. */
async function answered(target: EvaluationTarget, deadline: AbortSignal): Promise<void> {
  const { erl, erlCall } = firstAnswerTimeout
  const timeout = target.distributionArguments.length === 0 ? erlCall : erl
  let cause: unknown
  while (!deadline.aborted) {
    try {
      const status = await evaluateOn(target, 'init:get_status()', { timeout, signal: deadline })
      if (status === '{started,started}') {
        return
      }
      cause = new Error(`init:get_status() is ${status}`)
    } catch (error) {
      if (error instanceof EvaluationError) {
        cause = error
      } else if (!deadline.aborted) {
        throw error
      }
    }
    await delay(50)
  }
  throw new NodeNotReadyError(target.name, 'answer', target.logs(), { cause })
}

function sharedPlace(
  choice: Exclude<Choice, { readonly where: 'nowhere' }>,
  options: PlaceOptions,
): Promise<Place> {
  return choice.where === 'docker'
    ? createContainerPlace(choice.image, options)
    : createPathPlace(choice.searchPath, options)
}

async function isolatedPlace(choice: Choice, options: PlaceOptions): Promise<IsolatedPlace> {
  if (choice.where !== 'docker') {
    throw new IsolationUnavailableError(isolationMissing.reason, isolationMissing.hint)
  }
  return createIsolatedPlace(choice.image, options)
}

/** Parameters of kernel, by the node's host. */
const loopback = {
  '127.0.0.1': ['inet_dist_use_interface', '{127,0,0,1}'],
  '::1': ['inet_dist_use_interface', '{0,0,0,0,0,0,0,1}'],
} as const

/** Parameters of kernel: the address in a container is not known before it runs, but the port must be. */
function everywhere(port: number): readonly string[] {
  return ['inet_dist_listen_min', `${port}`, 'inet_dist_listen_max', `${port}`]
}

function distributionOver(
  host: ErlangNode['host'],
  given: readonly string[] = [],
): readonly string[] {
  return host === '::1' && !given.includes('-proto_dist')
    ? ['-proto_dist', 'inet6_tcp', ...given]
    : given
}

function requireRecon(choice: Choice): string {
  const folder = reconFolder(choice)
  if (folder === undefined) {
    throw new ReconUnavailableError(reconMissing.reason, reconMissing.hint)
  }
  return folder
}

function nodeName(name: string | undefined, host: string): string {
  if (name === undefined) {
    names += 1
    return `beamscope-${process.pid}-${names}@${host}`
  }
  if (!/^[\w-]+(@[\w.:-]+)?$/.test(name)) {
    throw new InvalidNodeOptionError('name', 'NAME or NAME@HOST of letters, digits, - and _')
  }
  return name.includes('@') ? name : `${name}@${host}`
}

function nodeCookie(cookie: string | undefined): string {
  if (cookie === undefined) {
    return randomBytes(16).toString('hex')
  }
  if (!/^[^\r\n]+$/.test(cookie)) {
    throw new InvalidNodeOptionError('cookie', 'one line')
  }
  return cookie
}
