/**
 * The BEAM as a contestant: a node with beam/beamscope_bench.erl, which measures itself.
 */
import { fileURLToPath } from 'node:url'
import type { Term } from '../src/etf/terms.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import type { ErlangNode, ErlangNodeOptions } from '../src/testing/erlang-node.ts'
import type { ErlangRelease } from '../src/testing/images.ts'
import type { Contestant } from './interleave.ts'
import { load, root } from './product.ts'
import { MissingHereError, messageOf } from './row.ts'

/** The release of all nodes where Docker has it; 29 is still new, and 25 is what many have. */
const RELEASE: ErlangRelease = 27

const MODULE = 'beamscope_bench'

const folder = fileURLToPath(new URL('bench/beam', root))

/** Milliseconds; the longest is a sweep of a thousand nodes. */
const TIMEOUT = 180_000

/** A node, and our connection to it, over which it is told what to do. */
export interface BeamNode extends AsyncDisposable {
  readonly node: ErlangNode
  readonly remote: RemoteNode
  /** Recon's version, or why the node has none. */
  readonly recon: { readonly version: string } | { readonly missing: string }
}

/**
 * Starts a node that has the module.
 *
 * @throws {MissingHereError} when there is no Erlang
 */
export async function startBeamNode(
  options: ErlangNodeOptions & { readonly signal: AbortSignal },
): Promise<BeamNode> {
  const { availableReleases, ReconUnavailableError, ReleaseUnavailableError, startErlangNode } =
    await load.testing()
  const { connect, Cookie } = await load.beamscope()
  const isThere = (await availableReleases()).includes(RELEASE)
  const start = (withRecon: boolean): Promise<ErlangNode> =>
    startErlangNode({
      ...(isThere ? { release: RELEASE } : {}),
      ...options,
      withRecon,
      folders: [folder],
    })
  let missing: string | undefined
  const node = await start(true).catch((error: unknown) => {
    if (error instanceof ReleaseUnavailableError) throw new MissingHereError(messageOf(error))
    if (!(error instanceof ReconUnavailableError)) throw error
    missing = messageOf(error)
    return start(false)
  })
  try {
    await node.evaluate(`
      {ok, Module, Code} = compile:file("${folder}/${MODULE}.erl", [binary]),
      {module, Module} = code:load_binary(Module, "", Code),
      Module:start()`)
    const recon = missing === undefined ? { version: await versionOfRecon(node) } : { missing }
    const remote = await connect(node.name, {
      cookie: new Cookie(node.cookie),
      epmdPort: node.epmdPort,
      signal: options.signal,
    })
    return {
      node,
      remote,
      recon,
      [Symbol.asyncDispose]: async () => {
        await remote.close({ timeout: 1_000 })
        await node.kill()
      },
    }
  } catch (error) {
    await node.kill()
    throw error
  }
}

async function versionOfRecon(node: ErlangNode): Promise<string> {
  const version = await node.evaluate(
    'ok = application:load(recon), {ok, Version} = application:get_key(recon, vsn), list_to_atom(Version)',
  )
  return version.replaceAll("'", '')
}

type Argument = string | number | Uint8Array | readonly string[]

/** Calls a function of the module; text is an atom, a list of text one of atoms. */
export async function askBeam(
  { remote }: BeamNode,
  name: string,
  ...args: readonly Argument[]
): Promise<Term> {
  return remote.call(MODULE, name, await toTerms(args), { timeout: TIMEOUT })
}

async function toTerms(args: readonly Argument[]): Promise<readonly Term[]> {
  const { atom } = await load.etf()
  return args.map((it): Term => {
    if (typeof it === 'string') return atom(it)
    return typeof it === 'number' || it instanceof Uint8Array ? it : it.map((name) => atom(name))
  })
}

/** What the node measures of itself: an operation of the module, for about so many milliseconds a round. */
export function beamContestant(
  beam: BeamNode,
  title: string,
  operation: string,
  args: readonly Argument[],
  duration: number,
): Contestant {
  return {
    name: `${title}, OTP ${beam.node.release}`,
    measure: async () => {
      const { atom, formatTerm, isTuple } = await load.etf()
      const request = [atom(operation), await toTerms(args), Math.ceil(duration)]
      const result = await beam.remote.call(MODULE, 'measure', request, { timeout: TIMEOUT })
      const [nanoseconds, count] = isTuple(result, 2) ? result.elements : []
      if (typeof nanoseconds !== 'number' || typeof count !== 'number') {
        throw new Error(`the node answered ${formatTerm(result)}`)
      }
      return { time: nanoseconds / count, count }
    },
  }
}
