/**
 * Records out of a stream of bytes in pieces of any size, and what is between them.
 *
 * Where no record stands, the next mark is looked for behind it. The work is bounded whatever the bytes are:
 * besides the checksum of what is taken, only {@link PATIENCE} bytes are summed up in vain.
 */
import { NotARecordingError, type RecordingDamage } from './recording-error.ts'
import {
  type Checksum,
  HEADER,
  MARK,
  type RecordingRecord,
  readHeader,
  readRecord,
} from './recording-format.ts'

export interface ScannedRecord {
  readonly type: 'record'
  /** From the beginning of the file. */
  readonly offset: number
  readonly bytes: number
  readonly record: RecordingRecord
  readonly checksum: Checksum
}

export type Scanned = ScannedRecord | ({ readonly type: 'damage' } & RecordingDamage)

/** Beyond, the sizes in heads of damaged records are believed, and what is within these is passed over. */
const PATIENCE = 64 * 1024 * 1024
const FIRST_SIZE = 128 * 1024

export class RecordScanner {
  readonly #source: string
  #bytes = Buffer.alloc(FIRST_SIZE)
  /** What is there and not read yet. */
  #start = 0
  #end = 0
  /** Of `#start` in the file. */
  #offset = 0
  #hasHeader = false
  /** Where the damage began that has not ended yet, and whether it could be a record. */
  #damage: { readonly offset: number; readonly isCut: boolean } | undefined
  #patience = PATIENCE

  constructor(source: string) {
    this.#source = source
  }

  /**
   * What is whole now. Take all of it before the next call.
   *
   * @throws {NotARecordingError}
   * @throws {RecordingVersionError}
   */
  *push(piece: Uint8Array): Generator<Scanned, void, undefined> {
    this.#add(piece)
    if (this.#readHeader()) yield* this.#scan(false)
  }

  /**
   * What the bytes were that are left, when no more come.
   *
   * @throws {NotARecordingError}
   */
  *end(): Generator<Scanned, void, undefined> {
    if (!this.#readHeader()) {
      const reason = this.#end === 0 ? 'it is empty' : 'it ends within its first line'
      throw new NotARecordingError(this.#source, reason)
    }
    yield* this.#scan(true)
    if (this.#damage === undefined) return
    const { offset, isCut } = this.#damage
    const reason = isCut ? 'torn' : 'damaged'
    yield { type: 'damage', offset, bytes: this.#offset - offset, reason }
  }

  #readHeader(): boolean {
    if (this.#hasHeader) return true
    const size = readHeader(this.#bytes.subarray(this.#start, this.#end), this.#source)
    if (size === undefined) return false
    this.#hasHeader = true
    this.#pass(size)
    return true
  }

  *#scan(atEnd: boolean): Generator<Scanned, void, undefined> {
    while (this.#start < this.#end) {
      const rest = this.#bytes.subarray(this.#start, this.#end)
      const found = readRecord(rest)
      if (found.type === 'record') {
        const offset = this.#offset
        if (this.#damage !== undefined) {
          const from = this.#damage.offset
          yield { type: 'damage', offset: from, bytes: offset - from, reason: 'damaged' }
          this.#damage = undefined
        }
        this.#pass(found.size)
        const { record, checksum, size } = found
        // The memory is written to by the next piece.
        const kept = { ...record, deflated: Uint8Array.from(record.deflated) }
        yield { type: 'record', offset, bytes: size, record: kept, checksum }
        continue
      }
      if (found.type === 'cut' && !atEnd) return
      this.#damage ??= { offset: this.#offset, isCut: found.type === 'cut' }
      const size = found.type === 'none' ? found.size : undefined
      this.#patience -= size ?? 0
      this.#pass(size !== undefined && this.#patience < 0 ? size : toNextMark(rest))
    }
  }

  #pass(size: number): void {
    this.#start += size
    this.#offset += size
  }

  #add(piece: Uint8Array): void {
    const left = this.#end - this.#start
    if (this.#end + piece.length > this.#bytes.length) {
      const needed = left + piece.length
      const bytes = needed > this.#bytes.length / 2 ? Buffer.alloc(needed * 2) : this.#bytes
      bytes.set(this.#bytes.subarray(this.#start, this.#end))
      this.#bytes = bytes
      this.#start = 0
      this.#end = left
    }
    this.#bytes.set(piece, this.#end)
    this.#end += piece.length
  }
}

/** How many bytes are before the next place where a mark may begin; at least one. */
function toNextMark(bytes: Buffer): number {
  const whole = bytes.indexOf(MARK, 1)
  if (whole >= 0) return whole
  const begun = bytes.indexOf(MARK[0] ?? 0, Math.max(1, bytes.length - MARK.length + 1))
  return begun >= 0 ? begun : bytes.length
}

/** Whether bytes are the beginning of a recording of which not even the first line was written. */
export function isBarelyBegun(bytes: Uint8Array): boolean {
  return (
    bytes.length < HEADER.length &&
    HEADER.subarray(0, bytes.length).every((it, i) => it === bytes[i])
  )
}
