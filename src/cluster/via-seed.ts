/**
 * A node that is asked through another one: calls of `erpc:call/5` made on the seed, over the cluster's own
 * connections.
 *
 * @see https://www.erlang.org/doc/apps/kernel/erpc.html#call/5
 */
import { parseNodeName } from '../dist/node-name.ts'
import { Atom, isAtom, isList, isTuple, type Term } from '../etf/index.ts'
import type { Waiting } from '../net/deadline.ts'
import { TimeoutError } from '../net/errors.ts'
import { ConnectionLostError, NotConnectedError, UnexpectedReplyError } from '../node/errors.ts'
import {
  RemoteCallError,
  RemoteError,
  RemoteExceptionError,
  RemoteExitError,
  RemoteSignalError,
  RemoteThrowError,
} from '../node/remote-error.ts'
import { type Callee, callEncoded } from '../probe/probe.ts'
import { NotInClusterError, SeedLostError } from './errors.ts'

/**
 * Milliseconds for which it is believed that the seed is still connected to a node. `erpc` connects nodes
 * that are not, so that each is looked for first.
 */
const CONNECTED_FOR = 1_000

/** A call has to end somewhere on the seed, too: the default of `RemoteNode.call`. Milliseconds. */
const DEFAULT_TIMEOUT = 10_000

/** A seed that is connected, and the nodes behind it. */
export class Seed {
  readonly #remote: Callee
  #connected: { readonly names: Promise<ReadonlySet<string>>; readonly asked: number } | undefined

  constructor(remote: Callee) {
    this.#remote = remote
  }

  /**
   * The seed itself, or a stand-in whose calls the seed makes. What a call throws is what
   * it would throw directly, and besides {@link SeedLostError}.
   *
   * @throws {InvalidNodeNameError}
   * @throws {NotInClusterError} when the seed is not connected to the node
   * @throws {SeedLostError}
   * @throws {TimeoutError}
   */
  async reach(node: string, waiting: Waiting): Promise<Callee> {
    parseNodeName(node)
    const remote = this.#remote
    if (node === remote.name) {
      return {
        name: node,
        call: (...call) => this.#callSeed(remote.call(...call)),
        callEncoded: (...call) => this.#callSeed(callEncoded(remote, ...call)),
      }
    }
    const connected = await this.#about(node, this.#connectedNodes(waiting))
    if (!connected.has(node)) throw new NotInClusterError(node, remote.name)
    return {
      name: node,
      call: (...call) => this.#call(node, (...onSeed) => remote.call(...onSeed), ...call),
      callEncoded: (...call) =>
        this.#call(node, (...onSeed) => callEncoded(remote, ...onSeed), ...call),
    }
  }

  /** Nobody has closed the connection but the seed itself, also before it was asked. */
  async #callSeed<Answer>(call: Promise<Answer>): Promise<Answer> {
    try {
      return await call
    } catch (error) {
      const { name } = this.#remote
      throw error instanceof NotConnectedError ? new ConnectionLostError(name) : error
    }
  }

  async #call<Answer>(
    node: string,
    callSeed: (...call: Parameters<Callee['call']>) => Promise<Answer>,
    module: string,
    name: string,
    args: readonly Term[],
    waiting: Waiting,
  ): Promise<Answer> {
    const timeout = Math.max(1, Math.ceil(waiting.timeout ?? DEFAULT_TIMEOUT))
    const request = [new Atom(node), new Atom(module), new Atom(name), args, timeout]
    const options = { ...waiting, timeout }
    // The seed's and ours: nobody knows which of them ends first.
    const late = (): TimeoutError =>
      new TimeoutError(`${node}, through ${this.#remote.name}: ${module}:${name}`, timeout)
    try {
      return await this.#about(node, callSeed('erpc', 'call', request, options))
    } catch (error) {
      if (error instanceof TimeoutError && error !== waiting.signal?.reason) throw late()
      throw error instanceof RemoteError ? asRaisedOn(node, error, late) : error
    }
  }
  /** Those that the seed is connected to, visible or hidden. */
  #connectedNodes(waiting: Waiting): Promise<ReadonlySet<string>> {
    const now = performance.now()
    const known = this.#connected
    if (known !== undefined && now - known.asked < CONNECTED_FOR) return known.names
    const names = this.#remote
      .call('erlang', 'nodes', [new Atom('connected')], waiting)
      .then((list) => {
        if (!isList(list) || !list.every((it) => isAtom(it))) {
          throw new UnexpectedReplyError(this.#remote.name, 'no list of nodes to nodes(connected)')
        }
        return new Set(list.map(({ name }) => name))
      })
    this.#connected = { names, asked: now }
    // Whoever asks next asks anew; those who wait for it now are told.
    names.catch(() => {
      this.#connected = undefined
    })
    return names
  }

  /** The loss of the connection to the seed says nothing of the node. */
  async #about<Result>(node: string, work: Promise<Result>): Promise<Result> {
    try {
      return await work
    } catch (error) {
      const isLost = error instanceof ConnectionLostError || error instanceof NotConnectedError
      throw isLost ? new SeedLostError(node, this.#remote.name, error) : error
    }
  }
}

/** What `erpc:call/5` raised on the seed, as the error of the node that it called. */
function asRaisedOn(node: string, error: RemoteError, late: () => TimeoutError): Error {
  const { reason } = error
  if (error instanceof RemoteThrowError) return new RemoteThrowError(node, reason)
  const [tag, cause, stack] = isTuple(reason) ? reason.elements : []
  if (cause === undefined) return error
  if (error instanceof RemoteExceptionError) {
    if (isAtom(tag, 'exception')) return new RemoteExceptionError(node, cause, stack ?? [])
    if (isAtom(tag, 'erpc')) return notCalled(node, cause, late)
  }
  if (error instanceof RemoteExitError) {
    if (isAtom(tag, 'exception')) return new RemoteExitError(node, cause)
    if (isAtom(tag, 'signal')) return new RemoteSignalError(node, cause)
  }
  return error
}

/** `{erpc, Reason}`: the call could not be made, or its result could not be had. */
function notCalled(node: string, reason: Term, late: () => TimeoutError): Error {
  if (isAtom(reason, 'noconnection')) return new ConnectionLostError(node)
  return isAtom(reason, 'timeout') ? late() : new RemoteCallError(node, reason)
}
