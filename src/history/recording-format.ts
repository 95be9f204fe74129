/**
 * A recording, byte by byte: a line that says what it is, then records, one for each sample.
 *
 * ```
 * recording = "beamscope recording 1\n" record…
 * record    = head payload checksum
 * head      = 89 52 45 43           the mark at which a reader finds records again
 *             kind:1                "K", all of a sample; "D", its difference from the record before it
 *             stream:2              which node, as a number that the last "K" with it has given it
 *             time:6                milliseconds since 1970
 *             base:4                "D": the checksum of the stream's record before it; "K": 0
 *             size:4                of what the payload inflates to
 *             length:4              of the payload
 *             checksum:4            CRC-32 of the head, from its kind on
 * payload   = "K": length:2 node deflated        the node's name in UTF-8
 *             "D": deflated
 * checksum  = CRC-32 of head and payload
 * ```
 *
 * All numbers are big-endian. What is deflated (RFC 1951) is said in recording-samples.ts.
 */
import { crc32 } from 'node:zlib'
import { NotARecordingError, RecordingVersionError } from './recording-error.ts'

const VERSION = 1
const TITLE = 'beamscope recording '
/** More digits than versions will ever have. */
const MAX_VERSION_LENGTH = 8

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** What a recording begins with. */
export const HEADER: Uint8Array = utf8.encode(`${TITLE}${VERSION}\n`)

/** Whether bytes begin as a recording does, in whatever version. */
export function isRecording(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, TITLE.length)).toString('latin1') === TITLE
}

/** The first byte is in no text of ASCII or UTF-8. */
export const MARK: Uint8Array = Uint8Array.of(0x89, 0x52, 0x45, 0x43)
const KEY = 0x4b
const DIFFERENCE = 0x44
const HEAD_SIZE = 29
const CHECKSUM_SIZE = 4

/** Bytes of a sample, before it is compressed: a node of 1024 schedulers answers in some 10 MB. */
export const MAX_SAMPLE_SIZE: number = 16 * 1024 * 1024
/** Of a payload: more than what does not compress at all. */
const MAX_PAYLOAD_SIZE = MAX_SAMPLE_SIZE + 64 * 1024
/** Of an atom. Each takes four bytes at most. */
const MAX_NODE_CHARACTERS = 255
const MAX_NODE_SIZE = 4 * MAX_NODE_CHARACTERS
const MAX_STREAM = 0xffff
const MAX_TIME = 2 ** 48 - 1

interface SampleRecord {
  readonly stream: number
  /** Milliseconds since 1970. */
  readonly time: number
  /** Of what `deflated` inflates to. */
  readonly size: number
  readonly deflated: Uint8Array
}

/** All of a sample. */
export interface KeyRecord extends SampleRecord {
  readonly type: 'key'
  readonly node: string
}

/** What changed since the record whose checksum is `base`. */
export interface DifferenceRecord extends SampleRecord {
  readonly type: 'difference'
  readonly base: number
}

export type RecordingRecord = KeyRecord | DifferenceRecord

/** Of a whole record, which its successor names as its base. */
export type Checksum = number

/** Whether it is a time that a record can hold, in milliseconds since 1970. */
export function isRecordable(time: number): boolean {
  return Number.isInteger(time) && time >= 0 && time <= MAX_TIME
}

/** The name of a node as a record holds it; nothing for one that cannot be an atom. */
export function nodeBytes(node: string): Uint8Array | undefined {
  if (!isNodeName(node)) return undefined
  const bytes = utf8.encode(node)
  // Half of a surrogate pair has no encoding.
  return strictUtf8.decode(bytes) === node ? bytes : undefined
}

function isNodeName(text: string): boolean {
  return text.length <= 2 * MAX_NODE_CHARACTERS && [...text].length <= MAX_NODE_CHARACTERS
}

export function writeRecord(record: RecordingRecord): {
  readonly bytes: Uint8Array
  readonly checksum: Checksum
} {
  const { type, deflated } = record
  const node = type === 'key' ? nodeBytes(record.node) : undefined
  const prefix = node === undefined ? 0 : 2 + node.length
  const length = prefix + deflated.length
  const bytes = new Uint8Array(HEAD_SIZE + length + CHECKSUM_SIZE)
  const view = new DataView(bytes.buffer)
  bytes.set(MARK)
  view.setUint8(4, type === 'key' ? KEY : DIFFERENCE)
  view.setUint16(5, record.stream)
  view.setUint16(7, Math.floor(record.time / 2 ** 32))
  view.setUint32(9, record.time % 2 ** 32)
  view.setUint32(13, type === 'key' ? 0 : record.base)
  view.setUint32(17, record.size)
  view.setUint32(21, length)
  view.setUint32(25, crc32(bytes.subarray(MARK.length, 25)))
  if (node !== undefined) {
    view.setUint16(HEAD_SIZE, node.length)
    bytes.set(node, HEAD_SIZE + 2)
  }
  bytes.set(deflated, HEAD_SIZE + prefix)
  const checksum = crc32(bytes.subarray(0, HEAD_SIZE + length))
  view.setUint32(HEAD_SIZE + length, checksum)
  return { bytes, checksum }
}

/** What stands at the beginning of some bytes. */
export type Found =
  | {
      readonly type: 'record'
      readonly record: RecordingRecord
      readonly checksum: Checksum
      readonly size: number
    }
  /** As far as they go, a record. */
  | { readonly type: 'cut' }
  /** None. Where its head was right, the size of what should have been one. */
  | { readonly type: 'none'; readonly size?: number }

/** Reads the record at the beginning of `bytes`; what it returns shares their memory. */
export function readRecord(bytes: Uint8Array): Found {
  for (let i = 0; i < MARK.length; i++) {
    if (i === bytes.length) return { type: 'cut' }
    if (bytes[i] !== MARK[i]) return { type: 'none' }
  }
  if (bytes.length < HEAD_SIZE) return { type: 'cut' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(25) !== crc32(bytes.subarray(MARK.length, 25))) return { type: 'none' }
  const kind = view.getUint8(4)
  const sampleSize = view.getUint32(17)
  const length = view.getUint32(21)
  if (kind !== KEY && kind !== DIFFERENCE) return { type: 'none' }
  if (sampleSize > MAX_SAMPLE_SIZE || length > MAX_PAYLOAD_SIZE) return { type: 'none' }
  const end = HEAD_SIZE + length
  const size = end + CHECKSUM_SIZE
  if (bytes.length < size) return { type: 'cut' }
  const checksum = crc32(bytes.subarray(0, end))
  if (view.getUint32(end) !== checksum) return { type: 'none', size }
  const payload = bytes.subarray(HEAD_SIZE, end)
  const common = {
    stream: view.getUint16(5),
    time: view.getUint16(7) * 2 ** 32 + view.getUint32(9),
    size: sampleSize,
  }
  if (kind === DIFFERENCE) {
    const base = view.getUint32(13)
    const record = { type: 'difference' as const, ...common, base, deflated: payload }
    return { type: 'record', record, checksum, size }
  }
  const named = readNode(payload)
  if (named === undefined) return { type: 'none', size }
  return { type: 'record', record: { type: 'key', ...common, ...named }, checksum, size }
}

function readNode(payload: Uint8Array): Pick<KeyRecord, 'node' | 'deflated'> | undefined {
  const start = 2 + ((payload[0] ?? 0) << 8) + (payload[1] ?? 0)
  if (start > payload.length || start > 2 + MAX_NODE_SIZE) return undefined
  try {
    const node = strictUtf8.decode(payload.subarray(2, start))
    return isNodeName(node) ? { node, deflated: payload.subarray(start) } : undefined
  } catch {
    return undefined
  }
}

/**
 * The size of the line at the beginning; `undefined` when it may be one, but does not end here.
 *
 * @throws {NotARecordingError} when it is none
 * @throws {RecordingVersionError} when a newer beamscope wrote it
 */
export function readHeader(bytes: Uint8Array, source: string): number | undefined {
  const known = Math.min(bytes.length, TITLE.length)
  for (let i = 0; i < known; i++) {
    if (bytes[i] !== HEADER[i])
      throw new NotARecordingError(source, 'it begins with something else')
  }
  let version = ''
  for (let i = TITLE.length; i < bytes.length; i++) {
    const character = String.fromCharCode(bytes[i] ?? 0)
    if (character === '\n' && version !== '') {
      if (version !== String(VERSION)) throw new RecordingVersionError(source, version)
      return i + 1
    }
    version += character
    if (!/^\d+$/.test(version) || version.length > MAX_VERSION_LENGTH) {
      throw new NotARecordingError(source, 'its first line has no version')
    }
  }
  return undefined
}

export const MAX_STREAMS: number = MAX_STREAM + 1
