/**
 * The way to the nodes of a cluster: a connection to each, for as long as it is asked, or one connection to
 * a seed that asks the others.
 */
import type { Waiting } from '../net/deadline.ts'
import { readDefaultCookie } from '../node/cookie-source.ts'
import { HiddenNode, type HiddenNodeOptions } from '../node/hidden-node.ts'
import type { RemoteNode } from '../node/remote-node.ts'
import type { Callee } from '../probe/probe.ts'
import { Seed } from './via-seed.ts'

/** Who connects, and how; without a cookie that of `~/.erlang.cookie` is taken, under OTP's rule. */
export interface AccessOptions extends Partial<HiddenNodeOptions> {
  /** A node of ours that connects, and stays open. By default they are made of the other options. */
  readonly from?: HiddenNode | undefined
  /** A node of the cluster that is to ask the others, so that it alone is connected. */
  readonly via?: string | undefined
}

/** What is asked of a node; `left` is what is left of the time. Who minds it not is given up soon after. */
export type Question<Answer> = (node: Callee, left: () => Waiting) => Promise<Answer>

/** The same, told besides by which name whoever was connected knows us. */
export type Asker<Answer> = (node: Callee, left: () => Waiting, self: string) => Promise<Answer>

/** Disposal closes what was opened. */
export interface Access extends AsyncDisposable {
  /**
   * @throws what `HiddenNode.connect` or `Seed.reach` throws, and what the question does
   */
  ask<Answer>(node: string, question: Asker<Answer>, left: () => Waiting): Promise<Answer>
}

/** A node that hangs is not waited for: all was answered or given up by then. Milliseconds. */
const CLOSE_TIMEOUT = 250

/**
 * Each node is asked by a temporary node of ours, unless all are to be asked by one, or under one name.
 *
 * @throws {CookieFileError | InvalidCookieError | NoCookieError} when no cookie is given, and none found
 * @throws what `HiddenNode.connect` throws for the seed
 */
export async function openAccess(options: AccessOptions, waiting: Waiting): Promise<Access> {
  const { from, name, via } = options
  if (from === undefined && name === undefined && via === undefined) {
    return accessEach(await withDefaults(options))
  }
  const hidden = from ?? new HiddenNode(await withDefaults(options))
  const close = async (): Promise<void> => {
    if (from === undefined) await hidden.close({ timeout: CLOSE_TIMEOUT })
  }
  if (via === undefined) {
    return {
      ask: async (node, question, left) => {
        await using borrowed = await borrow(hidden, node, left())
        return await question(borrowed.remote, left, nameOf(borrowed.remote))
      },
      [Symbol.asyncDispose]: close,
    }
  }
  try {
    const borrowed = await borrow(hidden, via, waiting)
    const seed = new Seed(borrowed.remote)
    const self = nameOf(borrowed.remote)
    return {
      ask: async (node, question, left) => question(await seed.reach(node, left()), left, self),
      [Symbol.asyncDispose]: async () => {
        await borrowed[Symbol.asyncDispose]()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function withDefaults(options: AccessOptions): Promise<HiddenNodeOptions> {
  const cookie = options.cookie ?? (await readDefaultCookie())
  return { temporary: true, ...options, cookie }
}

function accessEach(options: HiddenNodeOptions): Access {
  const open = new Set<HiddenNode>()
  const close = async (hidden: HiddenNode): Promise<void> => {
    await hidden.close({ timeout: CLOSE_TIMEOUT })
    open.delete(hidden)
  }
  return {
    ask: async (node, question, left) => {
      const hidden = new HiddenNode(options)
      open.add(hidden)
      try {
        const remote = await hidden.connect(node, left())
        return await question(remote, left, nameOf(remote))
      } finally {
        await close(hidden)
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(Array.from(open, close))
    },
  }
}

/** By which name the node knows us. */
function nameOf({ connected }: RemoteNode): string {
  return connected.self.name.full
}

/** The way to nodes that are asked again and again. Disposal closes what was opened. */
export interface LastingAccess extends AsyncDisposable {
  /**
   * The node, over the connection that stands, or else over a new one.
   *
   * @throws what `HiddenNode.connect` or `Seed.reach` throws
   */
  reach(node: string, waiting: Waiting): Promise<Callee>
  /** Closes what was opened for that node alone; it may be reached again. */
  release(node: string): Promise<void>
}

/**
 * The same ways as {@link openAccess} has, but connections stay until the end. Nothing is connected before a
 * node is reached.
 *
 * @throws {CookieFileError | InvalidCookieError | NoCookieError} when no cookie is given, and none found
 */
export async function openLastingAccess(options: AccessOptions): Promise<LastingAccess> {
  const { from, name, via } = options
  const own = new Map<string, HiddenNode>()
  const create = from === undefined ? creator(await withDefaults(options)) : () => from
  /** A temporary node of ours has one other alone; one with a name has all. */
  const hiddenFor = (node: string): HiddenNode => {
    const key = name === undefined ? node : ''
    const hidden = own.get(key) ?? create()
    if (from === undefined) own.set(key, hidden)
    return hidden
  }
  let seed: { readonly remote: RemoteNode; readonly seed: Seed } | undefined
  const reachSeed = async (node: string, waiting: Waiting): Promise<Seed> => {
    const remote = await hiddenFor(node).connect(node, waiting)
    if (seed?.remote !== remote) seed = { remote, seed: new Seed(remote) }
    return seed.seed
  }
  return {
    reach: async (node, waiting) =>
      via === undefined
        ? hiddenFor(node).connect(node, waiting)
        : (await reachSeed(via, waiting)).reach(node, waiting),
    release: async (node) => {
      if (via !== undefined) return
      const hidden = own.get(node)
      own.delete(node)
      await hidden?.close({ timeout: CLOSE_TIMEOUT })
    },
    [Symbol.asyncDispose]: async () => {
      const close = (hidden: HiddenNode): Promise<void> => hidden.close({ timeout: CLOSE_TIMEOUT })
      await Promise.all(Array.from(own.values(), close))
    },
  }
}

function creator(options: HiddenNodeOptions): () => HiddenNode {
  return () => new HiddenNode(options)
}

/** How many questions have each connection that was opened for one: two sweeps may share a node of ours. */
const loans = new WeakMap<RemoteNode, number>()

/** A connection that is closed when the last who has borrowed it disposes of it, unless it stood before. */
async function borrow(
  hidden: HiddenNode,
  node: string,
  waiting: Waiting,
): Promise<{ readonly remote: RemoteNode } & AsyncDisposable> {
  const stood = hidden.remotes.some(({ name }) => name === node)
  const remote = await hidden.connect(node, waiting)
  const isLent = loans.has(remote)
  if (stood && !isLent) return { remote, [Symbol.asyncDispose]: async () => {} }
  loans.set(remote, (loans.get(remote) ?? 0) + 1)
  let returned: Promise<void> | undefined
  return {
    remote,
    [Symbol.asyncDispose]: () => {
      // Once, however often it is called: an abort and the end of the sweep both do.
      returned ??= giveBack(remote)
      return returned
    },
  }
}

async function giveBack(remote: RemoteNode): Promise<void> {
  const others = (loans.get(remote) ?? 1) - 1
  loans.set(remote, others)
  if (others > 0) return
  loans.delete(remote)
  await remote.close({ timeout: CLOSE_TIMEOUT })
}
