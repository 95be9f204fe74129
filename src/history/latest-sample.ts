/**
 * Which sample of a recording is the last, of all or until a moment.
 */
import { type RecordingSource, scanRecording } from './recording-reader.ts'
import { Lineage } from './recording-samples.ts'

/** Something of a time, in milliseconds since 1970. */
export interface Timed {
  readonly time: number
}

/**
 * Without a moment what was written last, even if the clock went back before that; with one what was taken last
 * until then.
 */
export class Latest<Each extends Timed> {
  readonly #to: number | undefined
  value: Each | undefined

  constructor(to: number | undefined) {
    this.#to = to
  }

  add(timed: Each): void {
    const { time } = timed
    const isLater = this.value === undefined || time >= this.value.time
    if (this.#to === undefined || (time <= this.#to && isLater)) this.value = timed
  }
}

/**
 * When that sample of a node was taken, by the heads of the records alone; `undefined` where there is none.
 *
 * @throws whatever `scanRecording` throws
 */
export async function timeOfLatest(
  source: RecordingSource,
  { node, to }: { readonly node: string; readonly to: number | undefined },
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const lineage = new Lineage()
  const latest = new Latest(to)
  for await (const scanned of scanRecording(source, signal)) {
    if (scanned.type !== 'record' || lineage.follow(scanned) !== node) continue
    latest.add({ time: scanned.record.time })
  }
  return latest.value?.time
}
