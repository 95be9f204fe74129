/**
 * A recording as time passes in it: no more than two of its samples are held.
 */
import { BeamscopeError } from '../errors.ts'
import { timeOfLatest } from '../history/latest-sample.ts'
import { RecordingEmptyError, RecordingNodeError } from '../history/recording-error.ts'
import { indexRecording, type RecordedNode, readRecording } from '../history/recording-reader.ts'
import type { RecordedSample } from '../history/recording-samples.ts'
import { MAX_TIMEOUT } from '../net/deadline.ts'
import type { RawSnapshot } from '../probe/raw-snapshot.ts'

export interface PlaybackOptions {
  /** The name of the recorded node; needed where there are several. */
  readonly of?: string
  /** Where to begin, or to stay; by default at the first sample with a `speed`, and at the last one without. */
  readonly from?: Date
  /** How many times faster than it was recorded; without it the sample stays the same. */
  readonly speed?: number
  /** Begins again when it is over; by default it stays at the last sample. */
  readonly loop?: boolean
  /** Of opening the file. */
  readonly signal?: AbortSignal
}

type Samples = AsyncGenerator<RecordedSample, void, undefined>

export class Playback implements AsyncDisposable {
  readonly #file: string
  readonly #first: RecordedSample
  /** When it begins, in milliseconds since 1970, and by the clock that never goes back. */
  readonly #from: number
  #begun = performance.now()
  readonly #speed: number
  readonly #isLooping: boolean
  #samples: Samples | undefined
  #current: RecordedSample
  #next: RecordedSample | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  /** What is being read. */
  #reading: Promise<void> = Promise.resolve()

  private constructor(
    file: string,
    { from, speed = 0, loop = false }: PlaybackOptions,
    first: RecordedSample,
    samples?: Samples,
  ) {
    this.#file = file
    this.#first = first
    this.#from = Math.max(first.time, from?.getTime() ?? first.time)
    this.#speed = speed
    this.#isLooping = loop
    this.#samples = samples
    this.#current = first
  }

  /**
   * Reads the first sample that is to be shown. What is damaged is left out.
   *
   * @throws {RecordingError} whatever is wrong with the file
   * @throws {RecordingEmptyError} when no sample of it can be read
   * @throws {RecordingNodeError} when it holds several nodes and none is chosen, or no such node
   * @throws {RangeError} when the speed is none
   */
  static async open(file: string, options: PlaybackOptions = {}): Promise<Playback> {
    const { from, of, signal, speed } = options
    if (speed !== undefined && !(Number.isFinite(speed) && speed > 0)) {
      throw new RangeError(`speed is ${speed}, and not more than 0`)
    }
    const index = await indexRecording(file, signal && { signal })
    const { node, first } = chosen(file, index.nodes, of)
    const to = from?.getTime() ?? (speed === undefined ? undefined : first)
    const begin = (await timeOfLatest(file, { node, to }, signal)) ?? first
    const empty = new RecordingEmptyError(file, `the sample of ${node} there cannot be read`)
    if (speed === undefined) {
      let last: RecordedSample | undefined
      for await (const sample of read(file, node, begin, begin)) last = sample
      if (last === undefined) throw empty
      return new Playback(file, options, last)
    }
    const samples = read(file, node, begin)
    const { value: sample } = await samples.next()
    if (sample === undefined) throw empty
    const playback = new Playback(file, options, sample, samples)
    await playback.#read(samples)
    return playback
  }

  /** The sample of this moment. */
  get current(): RawSnapshot {
    return this.#current.raw
  }

  /** Reads no more; the sample stays. Twice is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#reading
    await this.#samples?.return()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Reads ahead by one sample, and waits until it is its turn. */
  async #read(samples: Samples): Promise<void> {
    this.#samples = samples
    const { value } = await samples.next()
    this.#next = value ?? undefined
    if (this.#next !== undefined || this.#isLooping) this.#wait()
  }

  #wait(): void {
    if (this.#isClosed) return
    // A round ends as long after its last sample as a second of the recording.
    const time = this.#next?.time ?? this.#current.time + 1_000
    const passed = performance.now() - this.#begun
    const left = (time - this.#from) / this.#speed - passed
    const turn = Math.min(Math.max(0, left), MAX_TIMEOUT)
    this.#timer = setTimeout(() => {
      if (left > turn) this.#wait()
      else this.#reading = this.#show()
    }, turn).unref()
  }

  async #show(): Promise<void> {
    try {
      let samples = this.#samples
      if (this.#next !== undefined) this.#current = this.#next
      else samples = undefined
      if (samples === undefined) {
        samples = read(this.#file, this.#first.node, this.#first.time)
        this.#begun = performance.now()
      }
      await this.#read(samples)
    } catch (error) {
      // What cannot be read any more leaves what was shown last.
      if (!(error instanceof BeamscopeError)) throw error
    }
  }
}

function read(file: string, node: string, from: number, to?: number): Samples {
  return readRecording(file, {
    node,
    from: new Date(from),
    ...(to !== undefined && { to: new Date(to) }),
    onDamage: () => {},
  })
}

function chosen(
  file: string,
  nodes: readonly RecordedNode[],
  of: string | undefined,
): RecordedNode {
  const [only, ...others] = nodes
  if (only === undefined) throw new RecordingEmptyError(file, 'it holds no sample')
  const found = of === undefined && others.length === 0 ? only : nodes.find((it) => it.node === of)
  if (found === undefined)
    throw new RecordingNodeError(
      file,
      nodes.map((it) => it.node),
      of,
    )
  return found
}
