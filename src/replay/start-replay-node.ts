/**
 * A replay node with a port mapper of its own, so that a client reaches it as it reaches any node.
 */
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Cookie } from '../dist/cookie.ts'
import { type NodeName, parseNodeName } from '../dist/node-name.ts'
import { DISTRIBUTION_VERSION } from '../epmd/messages.ts'
import { type EpmdServer, startEpmdServer } from '../epmd/server.ts'
import { isRecordingFile, readSnapshotFile } from '../history/snapshot-file.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'
import { Playback, type PlaybackOptions } from './playback.ts'
import { ReplayNode } from './replay-node.ts'

/**
 * The file of a recording that the package carries, with which nobody has to begin by making one: a node
 * of OTP 27 after a spike of 120,000 binaries of 1 to 8 kB on four schedulers, of which every 25th was
 * kept.
 */
export const binarySpikeFile: string = fileURLToPath(
  new URL('../../recordings/binary-spike.etf', import.meta.url),
)

/** What the node answers from: a snapshot at hand, or the file of one, or a file of many. */
export type Recorded =
  | { readonly recording: RawSnapshot; readonly snapshotFile?: never }
  | ({
      /** A snapshot in any of the forms that beamscope reads, up to 256 MiB, or what `beamscope record` wrote. */
      readonly snapshotFile: string
      readonly recording?: never
    } & Omit<PlaybackOptions, 'signal'>)

export type StartReplayNodeOptions = Recorded & {
  /**
   * `NAME` for `NAME@127.0.0.1`, or `NAME@HOST`, whose host a client must be able to resolve or map. By
   * default the recorded node's own name, at 127.0.0.1.
   */
  readonly name?: string
  /** Random by default. */
  readonly cookie?: string
  /** Of reading the file; the rest waits for nobody. */
  readonly signal?: AbortSignal
}

/** A running replay node. Disposal ends it, its port mapper, and every connection to them. */
export interface RunningReplayNode extends AsyncDisposable {
  readonly name: string
  readonly cookie: string
  /** Where the node and its port mapper listen, whatever the name says. */
  readonly host: '127.0.0.1'
  readonly port: number
  readonly epmdPort: number
  /** What it answers from just now. */
  readonly recording: RawSnapshot
  /** Twice is harmless. */
  close(): Promise<void>
}

/**
 * Starts a node that answers from a recording, and an EPMD that knows it, each on a free port of the
 * loopback interface, in this process.
 *
 * @throws {SnapshotFileError} the file cannot be read, or is neither a snapshot nor a recording
 * @throws {RecordingError} it is a recording of which nothing can be read, or of several nodes
 * @throws {RangeError} when `speed` is none
 * @throws {InvalidNodeNameError} when `name`, or the recorded one, is no node name
 * @throws {InvalidCookieError} when `cookie` cannot be one
 * @throws {SocketError} when no port can be had
 */
export async function startReplayNode(options: StartReplayNodeOptions): Promise<RunningReplayNode> {
  const { cookie = randomBytes(16).toString('hex') } = options
  const recorded = await open(options)
  let node: ReplayNode | undefined
  let epmd: EpmdServer
  let name: NodeName
  try {
    name = nameOf(options.name, recorded.current)
    const recording = (): RawSnapshot => recorded.current
    node = await ReplayNode.start({ name: name.full, cookie: new Cookie(cookie), recording })
    epmd = await startEpmdServer()
  } catch (error) {
    await node?.close()
    await recorded.close()
    throw error
  }
  epmd.register({
    name: name.alive,
    port: node.port,
    kind: 'hidden',
    protocol: 0,
    highestVersion: DISTRIBUTION_VERSION,
    lowestVersion: DISTRIBUTION_VERSION,
    extra: new Uint8Array(),
  })
  const close = async (): Promise<void> => {
    await node.close()
    await epmd.close()
    await recorded.close()
  }
  return {
    name: name.full,
    cookie,
    host: '127.0.0.1',
    port: node.port,
    epmdPort: epmd.port,
    get recording() {
      return recorded.current
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** What does not change needs not be closed. */
type Opened = Pick<Playback, 'current' | 'close'>

async function open(options: StartReplayNodeOptions): Promise<Opened> {
  if (options.recording !== undefined) return still(options.recording)
  const { snapshotFile: file, signal } = options
  if (await isRecordingFile(file)) return Playback.open(file, options)
  return still((await readSnapshotFile(file, signal === undefined ? {} : { signal })).raw)
}

function still(current: RawSnapshot): Opened {
  return { current, close: async () => {} }
}

/** A recorded host is seldom ours. */
function nameOf(wanted: string | undefined, recording: RawSnapshot): NodeName {
  if (wanted !== undefined)
    return parseNodeName(wanted.includes('@') ? wanted : `${wanted}@127.0.0.1`)
  const alive = recording.node === undefined ? 'replay' : parseNodeName(recording.node).alive
  return parseNodeName(`${alive}@127.0.0.1`)
}
