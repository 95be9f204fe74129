/**
 * Reading recordings, as far as they can be read.
 */
import { createReadStream } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { reasonOf } from './file-reason.ts'
import { RecordScanner, type Scanned } from './record-scanner.ts'
import {
  type RecordingDamage,
  RecordingDamagedError,
  RecordingError,
  RecordingUnreadableError,
} from './recording-error.ts'
import { MAX_STREAMS } from './recording-format.ts'
import { Lineage, type RecordedSample, SampleDecoder } from './recording-samples.ts'

/** What was read already of something that cannot be read twice, as standard input. */
export interface RecordingBytes {
  /** What errors call it. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** The path of a file, or bytes at hand. */
export type RecordingSource = string | RecordingBytes

export interface ReadRecordingOptions {
  readonly signal?: AbortSignal
  /** Samples that were taken earlier, or later, are left out. */
  readonly from?: Date
  readonly to?: Date
  /** The name of a node: samples of others are left out. */
  readonly node?: string
  /**
   * Takes what cannot be read, as it is met. Without it a {@link RecordingDamagedError} is thrown for all of it,
   * after the last sample.
   */
  readonly onDamage?: (damage: RecordingDamage) => void
}

/**
 * The samples of a recording in the order in which they were written, one at a time. A file that is recorded
 * into can be read, as far as it goes when it is opened; the record that is being written is `torn` then.
 *
 * @throws {RecordingUnreadableError} when the file is not there or cannot be read
 * @throws {NotARecordingError} when it is something else
 * @throws {RecordingVersionError} when a newer beamscope wrote it
 * @throws {RecordingTooLargeError} when it holds too many nodes to read them at the same time
 * @throws {RecordingDamagedError} when parts of it could not be read and there is no `onDamage`
 */
export async function* readRecording(
  source: RecordingSource,
  options: ReadRecordingOptions = {},
): AsyncGenerator<RecordedSample, void, undefined> {
  const { node, from, to, onDamage, signal } = options
  const name = nameOf(source)
  const decoder = new SampleDecoder(name, { node, from: from?.getTime(), to: to?.getTime() })
  let count = 0
  let first: RecordingDamage | undefined
  const isDamaged = (damage: RecordingDamage): void => {
    count += 1
    first ??= damage
    onDamage?.(damage)
  }
  for await (const scanned of scanRecording(source, signal)) {
    signal?.throwIfAborted()
    if (scanned.type === 'damage') {
      isDamaged(damageOf(scanned))
      continue
    }
    for (const decoded of decoder.decode(scanned)) {
      if ('raw' in decoded) yield decoded
      else isDamaged(decoded)
    }
  }
  if (first !== undefined && onDamage === undefined) {
    throw new RecordingDamagedError(name, first, count)
  }
}

/** What a recording holds of a node. */
export interface RecordedNode {
  readonly node: string
  readonly samples: number
  /** Milliseconds since 1970. */
  readonly first: number
  readonly last: number
}

/** What a recording holds. */
export interface RecordingIndex {
  readonly bytes: number
  /** Those that can be read, as far as their checksums tell. */
  readonly samples: number
  /** In the order in which they were met. */
  readonly nodes: readonly RecordedNode[]
  /** The first hundred. */
  readonly damage: readonly RecordingDamage[]
  /** How many there are. */
  readonly damaged: number
}

/**
 * Says what a recording holds, from the heads of its records: nothing is unpacked.
 *
 * @throws {RecordingUnreadableError} when the file is not there or cannot be read
 * @throws {NotARecordingError} when it is something else
 * @throws {RecordingVersionError} when a newer beamscope wrote it
 */
export async function indexRecording(
  source: RecordingSource,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<RecordingIndex> {
  const indexer = new RecordingIndexer()
  for await (const scanned of scanRecording(source, signal)) indexer.add(scanned)
  return indexer.index
}

const MAX_DAMAGE = 100

/** Makes an index of what is scanned. */
export class RecordingIndexer {
  readonly #lineage = new Lineage()
  readonly #nodes = new Map<string, RecordedNode>()
  readonly #damage: RecordingDamage[] = []
  #samples = 0
  #damaged = 0
  #bytes = 0

  add(scanned: Scanned): void {
    const { offset, bytes } = scanned
    this.#bytes = offset + bytes
    if (scanned.type === 'damage') {
      this.#addDamage(damageOf(scanned))
      return
    }
    const node = this.#lineage.follow(scanned)
    if (node === undefined) {
      this.#addDamage({ offset, bytes, reason: 'orphan' })
      return
    }
    const known = this.#nodes.get(node)
    // As many as a writer takes.
    if (known === undefined && this.#nodes.size === MAX_STREAMS) {
      this.#addDamage({ offset, bytes, reason: 'unreadable' })
      return
    }
    const { time } = scanned.record
    const { samples, first, last } = known ?? { samples: 0, first: time, last: time }
    this.#samples += 1
    this.#nodes.set(node, {
      node,
      samples: samples + 1,
      first: Math.min(first, time),
      last: Math.max(last, time),
    })
  }

  get index(): RecordingIndex {
    return {
      bytes: this.#bytes,
      samples: this.#samples,
      nodes: [...this.#nodes.values()],
      damage: [...this.#damage],
      damaged: this.#damaged,
    }
  }

  #addDamage(damage: RecordingDamage): void {
    this.#damaged += 1
    if (this.#damage.length < MAX_DAMAGE) this.#damage.push(damage)
  }
}

const PIECE_SIZE = 256 * 1024

/** Milliseconds of work after which others have their turn: Ctrl-C, sockets, whoever shows how far it is. */
const TURN = 50

function damageOf({ offset, bytes, reason }: RecordingDamage): RecordingDamage {
  return { offset, bytes, reason }
}

/**
 * The records of a recording, and what is between them.
 *
 * @throws {RecordingError}
 */
export async function* scanRecording(
  source: RecordingSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Scanned, void, undefined> {
  signal?.throwIfAborted()
  const name = nameOf(source)
  const scanner = new RecordScanner(name)
  let begun = performance.now()
  try {
    for await (const piece of piecesOf(source, signal)) {
      if (!(piece instanceof Uint8Array)) continue
      for (const scanned of scanner.push(piece)) {
        yield scanned
        if (performance.now() - begun < TURN) continue
        await setImmediate()
        signal?.throwIfAborted()
        begun = performance.now()
      }
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof RecordingError) throw error
    throw new RecordingUnreadableError(name, reasonOf(error), { cause: error })
  }
  yield* scanner.end()
}

function nameOf(source: RecordingSource): string {
  return typeof source === 'string' ? source : source.name
}

function piecesOf(
  source: RecordingSource,
  signal: AbortSignal | undefined,
): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof source !== 'string') return slicesOf(source.bytes)
  return createReadStream(source, { ...(signal && { signal }), highWaterMark: PIECE_SIZE })
}

function* slicesOf(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_SIZE) yield bytes.subarray(at, at + PIECE_SIZE)
}
