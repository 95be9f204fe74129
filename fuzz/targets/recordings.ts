/**
 * Recordings: records with right and wrong checksums, and what they hold.
 */
import { deflateRawSync } from 'node:zlib'
import { DecodeError, encode, isList } from '../../src/etf/index.ts'
import * as tag from '../../src/etf/tags.ts'
import { toNative } from '../../src/history/native-snapshot.ts'
import { RecordScanner, type Scanned } from '../../src/history/record-scanner.ts'
import {
  NotARecordingError,
  type RecordingDamage,
  RecordingTooLargeError,
  RecordingVersionError,
} from '../../src/history/recording-error.ts'
import { type Checksum, HEADER, writeRecord } from '../../src/history/recording-format.ts'
import {
  type RecordedSample,
  SampleDecoder,
  SampleEncoder,
} from '../../src/history/recording-samples.ts'
import {
  AllocatorFieldMissingError,
  AllocatorListError,
  AllocatorShapeError,
  MemoryShapeError,
} from '../../src/probe/allocator-terms-error.ts'
import { type RawSnapshot, toSnapshot } from '../../src/probe/raw-snapshot.ts'
import { SnapshotReader } from '../../src/probe/snapshot-reader.ts'
import { ByteWriter } from '../byte-writer.ts'
import { writeNamed, writeTerm } from '../generate-term.ts'
import {
  attempt,
  check,
  checkNoPollution,
  checkPrintable,
  json,
  once,
  type Target,
  type Verdict,
} from '../target.ts'
import { goldenSnapshots } from './allocators.ts'

const FILE_ERRORS = [NotARecordingError, RecordingVersionError, RecordingTooLargeError]
const CONTENT_ERRORS = [
  AllocatorListError,
  AllocatorShapeError,
  AllocatorFieldMissingError,
  MemoryShapeError,
  DecodeError,
]

const START = Date.parse('2026-01-31T12:00:00.000Z')
const WINDOW_SIZE = 32 * 1024

/** A few allocators of real nodes, in turn. */
const series = once((): readonly RawSnapshot[] =>
  [0, 1, 2, 3].flatMap((index) =>
    goldenSnapshots().map((raw, number) => ({
      ...raw,
      node: `node${number % 2}@host`,
      takenAt: new Date(START + index * 10_000).toISOString(),
      schedulers: 4 + (index % 3),
      allocators: isList(raw.allocators) ? raw.allocators.slice(0, 1 + (index % 2)) : [],
    })),
  ),
)

const seeds = once(() => [1, 3, 64].map((keyEvery) => recordingOf(series(), keyEvery)))

function recordingOf(raws: readonly RawSnapshot[], keyEvery: number): Uint8Array {
  const encoder = new SampleEncoder('recording', keyEvery)
  const records = raws.map((raw) => {
    const record = encoder.encode(raw)
    record.kept()
    return record.bytes
  })
  return Buffer.concat([HEADER, ...records])
}

/** What a record of a stream builds on. */
interface Written {
  readonly checksum: Checksum
  readonly window: Uint8Array
}

function writeRecording(out: ByteWriter): void {
  const { random } = out
  out.bytes(HEADER)
  const streams = new Map<number, Written>()
  for (let left = 1 + random.small(12); left > 0; left--) {
    const stream = random.small(3)
    const before = streams.get(stream)
    const isKey = before === undefined || random.oneIn(5)
    const body = new ByteWriter(random, out.lies)
    if (isKey) writeSample(body)
    else writeDifference(body)
    const bytes = body.finish()
    const window = isKey ? new Uint8Array() : (before?.window ?? new Uint8Array())
    const common = {
      stream,
      time: random.oneIn(10) ? random.uint32() * 2 ** 15 : START + random.below(100_000),
      size: out.count(bytes.length),
      deflated: deflateRawSync(bytes, {
        level: 1,
        ...(window.length > 0 && { dictionary: window }),
      }),
    }
    const base = random.oneIn(40) ? random.uint32() : (before?.checksum ?? 0)
    const node = random.pick(['a@b', 'a@b', '__proto__', '\u001b[0m', ''])
    const record = writeRecord(
      isKey ? { type: 'key', node, ...common } : { type: 'difference', base, ...common },
    )
    const written = Buffer.concat([window, bytes]).subarray(-WINDOW_SIZE)
    streams.set(stream, { checksum: record.checksum, window: Uint8Array.from(written) })
    const at = random.below(record.bytes.length)
    if (random.oneIn(40)) record.bytes[at] = (record.bytes[at] ?? 0) ^ (1 << random.below(8))
    out.bytes(random.oneIn(60) ? record.bytes.subarray(random.below(40)) : record.bytes)
    if (random.oneIn(60)) out.noise(random.small(50))
  }
}

/** The map of a snapshot, most of whose values may be anything. */
function writeSample(out: ByteWriter): void {
  const { random } = out
  const keys = ['allocators', 'schedulers', 'memory', 'duration', 'missing', 'other']
  const shown = keys.filter((_, index) => index === 0 || random.oneIn(3))
  out.uint8(tag.MAP)
  out.uint32(out.count(shown.length + 1))
  writeNamed(out, 'beamscope')
  out.uint8(tag.SMALL_TUPLE)
  out.uint8(out.count(2))
  writeNamed(out, 'snapshot')
  out.uint8(tag.SMALL_INTEGER)
  out.uint8(random.oneIn(40) ? 2 : 1)
  for (const key of shown) {
    writeNamed(out, key)
    if (key === 'schedulers' || (key === 'duration' && random.oneIn(2))) {
      out.uint8(tag.SMALL_INTEGER)
      out.uint8(random.below(100))
    } else if (key === 'missing' && !random.oneIn(10)) {
      out.uint8(tag.NIL)
    } else writeTerm(out, random.small(5))
  }
}

function writeDifference(out: ByteWriter): void {
  const { random } = out
  const kinds = Array.from({ length: random.small(8) }, () => random.below(2))
  writeVarint(out, out.count(kinds.length))
  for (const kind of kinds) writeVarint(out, out.count((1 + random.small(6)) * 2 + kind))
  for (const kind of kinds)
    if (kind === 0) writeVarint(out, random.oneIn(4) ? random.uint32() : random.below(300))
  for (const kind of kinds) if (kind === 1) writeTerm(out, random.small(3))
}

function writeVarint(out: ByteWriter, value: number): void {
  let rest = value
  while (rest >= 0x80) {
    out.uint8((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  out.uint8(rest)
}

interface Read {
  readonly samples: readonly RecordedSample[]
  readonly damage: readonly RecordingDamage[]
}

/** Checks on the way that every byte behind the first line is in a record, or in what is reported. */
function read(input: Uint8Array, step: number): Read {
  const scanner = new RecordScanner('recording')
  const decoder = new SampleDecoder('recording')
  const samples: RecordedSample[] = []
  const damage: RecordingDamage[] = []
  let end = HEADER.length
  const take = (scanned: Scanned): void => {
    check(scanned.offset === end && scanned.bytes > 0, 'bytes are in two records, or in none')
    end += scanned.bytes
    for (const it of scanned.type === 'damage' ? [scanned] : decoder.decode(scanned)) {
      if ('raw' in it) samples.push(it)
      else damage.push(it)
    }
  }
  for (let at = 0; at < input.length; at += step) {
    for (const scanned of scanner.push(input.subarray(at, at + step))) take(scanned)
  }
  for (const scanned of scanner.end()) take(scanned)
  check(end === input.length, `the recording ends at ${end} of ${input.length}`)
  return { samples, damage }
}

export const recordingsTarget: Target = {
  name: 'recordings',
  title: 'recordings, whole and damaged',
  seeds,
  generate: writeRecording,
  // Of what is deflated; each sample is unpacked, written and read twice.
  allowance: { time: 300, memory: 64 * 1024 * 1024 },
  run(input): Verdict {
    const whole = attempt(FILE_ERRORS, () => read(input, Math.max(1, input.length)))
    if (whole === undefined) return 'refused'
    const pieces = read(input, 1 + (input.length % 97))
    checkSame(pieces, whole, 'samples depend on the pieces that they come in')
    check(
      json(offsets(pieces)) === json(offsets(whole)),
      'damage depends on the pieces that it comes in',
    )
    for (const { cause } of whole.damage) {
      if (cause !== undefined) checkPrintable(cause.name, cause.message)
    }
    const reader = new SnapshotReader()
    for (const { raw } of whole.samples) {
      const alone = attempt(CONTENT_ERRORS, () => toSnapshot(raw))
      const inTurn = attempt(CONTENT_ERRORS, () => reader.read(raw))
      check(json(inTurn) === json(alone), 'a sample is another one after those before it')
    }
    const raws = whole.samples.map(({ raw }) => raw)
    const again = read(recordingOf(raws, 3), 4096)
    check(again.damage.length === 0, 'what was recorded is damaged')
    checkSame(again, whole, 'a sample is another one after writing and reading it')
    checkNoPollution()
    return whole.damage.length === 0 ? 'accepted' : 'refused'
  },
}

function offsets({ damage }: Read): readonly unknown[] {
  return damage.map(({ offset, bytes, reason }) => [offset, bytes, reason])
}

/** As bytes: the terms may be nested too deeply for JSON. */
function checkSame(left: Read, right: Read, what: string): void {
  check(left.samples.length === right.samples.length, what)
  for (const [index, sample] of left.samples.entries()) {
    const other = right.samples[index]
    if (other === undefined) continue
    check(sample.time === other.time && sample.node === other.node, what)
    const bytes = [sample, other].map(({ raw }) => Buffer.from(encode(toNative(raw))))
    check(bytes[0]?.equals(bytes[1] ?? new Uint8Array()) === true, what)
  }
}
