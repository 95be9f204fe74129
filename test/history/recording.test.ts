import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atom, float, ImproperList, tuple } from '../../src/etf/index.ts'
import {
  NotARecordingError,
  RecordingVersionError,
  UnrecordableSnapshotError,
} from '../../src/history/recording-error.ts'
import { HEADER, writeRecord } from '../../src/history/recording-format.ts'
import { SampleEncoder } from '../../src/history/recording-samples.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import { goldenBytes, goldenNames } from '../analysis/golden.ts'
import {
  arbitrarySeries,
  type ReadBack,
  readBack,
  recordingOf,
  START,
  sampleAt,
} from './recorded.ts'

const series: readonly RawSnapshot[] = Array.from({ length: 7 }, (_, index) => sampleAt(index))
// Two key records in the middle.
const { bytes, ends } = recordingOf(series, 3)

describe('what was recorded', () => {
  it('is read as it was, whatever changed from one sample to the next', () => {
    fc.assert(
      fc.property(arbitrarySeries, fc.integer({ min: 1, max: 5 }), (raws, keyEvery) => {
        expect(readBack(recordingOf(raws, keyEvery).bytes)).toEqual({ samples: raws, damage: [] })
      }),
      { interruptAfterTimeLimit: 2_000, numRuns: 1_000 },
    )
  })

  it('is read as it was, of one real node after another', () => {
    const raws = goldenNames.map((name, index): RawSnapshot => {
      const { raw } = readSnapshot(goldenBytes(name, 'snapshot.etf'))
      return { ...sampleAt(index), memory: raw.memory, allocators: raw.allocators }
    })
    expect(readBack(recordingOf([...raws, ...raws], 100).bytes)).toEqual({
      samples: [...raws, ...raws],
      damage: [],
    })
  })

  it('takes little where little changes', () => {
    const { raw } = readSnapshot(goldenBytes('otp27-mixed-supercarrier', 'snapshot.etf'))
    const same = Array.from({ length: 64 }, (_, index) => ({
      ...sampleAt(index),
      allocators: raw.allocators,
    }))
    const sizes = recordingOf(same).ends.map((end, index, all) => end - (all[index - 1] ?? 0))
    expect(sizes[0]).toBeGreaterThan(1_000)
    expect(Math.max(...sizes.slice(1))).toBeLessThan(100)
  })

  it('is chosen by node and time, and what comes before is only looked into where it is needed', () => {
    const other = (index: number) => sampleAt(index, { node: 'c@d' })
    const both = Array.from({ length: 10 }, (_, index) => [sampleAt(index), other(index)]).flat()
    const recorded = recordingOf(both, 4).bytes
    expect(readBack(recorded, { node: 'c@d' }).samples).toEqual(both.filter((_, i) => i % 2 === 1))
    expect(readBack(recorded, { node: 'nobody@d' })).toEqual({ samples: [], damage: [] })
    const [from, to] = [START + 45_000, START + 70_000]
    expect(readBack(recorded, { node: 'a@b', from, to }).samples).toEqual(
      [5, 6, 7].map((i) => sampleAt(i)),
    )
    expect(readBack(recorded, { from: START, to: START }).samples).toEqual([sampleAt(0), other(0)])
  })

  it('is found behind any number of samples that are not asked for', () => {
    const many = Array.from({ length: 600 }, (_, index) => sampleAt(index))
    const recorded = recordingOf(many, 10_000).bytes
    const from = START + 5_990_000
    expect(readBack(recorded, { from })).toEqual({ samples: many.slice(-1), damage: [] })
    // Of what is not asked for, damage is told all the same.
    const damaged = Uint8Array.from(recorded)
    damaged[5_000] = (damaged[5_000] ?? 0) ^ 1
    const { samples, damage } = readBack(damaged, { from })
    expect(samples).toEqual([])
    expect(damage.map(({ reason }) => reason)).toContain('orphan')
  })

  it('is not mixed up by names that objects have', () => {
    const raws = [sampleAt(0, { node: '__proto__' }), sampleAt(1, { node: 'constructor' })]
    expect(readBack(recordingOf(raws).bytes).samples).toEqual(raws)
  })
})

describe('a snapshot cannot be recorded', () => {
  const encoding = (parts: Partial<RawSnapshot>) => () =>
    new SampleEncoder('x').encode(sampleAt(0, parts))

  it.each<[string, Partial<RawSnapshot>]>([
    ['x: the snapshot cannot be recorded: it is of no node', { node: undefined }],
    ['it does not say when it was taken', { takenAt: undefined }],
    ['it was taken at no time that can be recorded', { takenAt: 'yesterday' }],
    ['it was taken at no time that can be recorded', { takenAt: '1969-12-31T23:59:59.000Z' }],
    ['the name of its node is none', { node: 'a'.repeat(256) }],
    ['the name of its node is none', { node: '\ud800' }],
    ['taken_at: expected a time in ISO 8601, UTC', { takenAt: '2026-01-31' }],
    ['schedulers: expected a count', { schedulers: -1 }],
    ['duration', { duration: -1 }],
    ['is no Erlang float', { memory: float(Number.NaN) }],
  ])('%s', (message, parts) => {
    expect(encoding(parts)).toThrow(UnrecordableSnapshotError)
    if (message !== 'duration') expect(encoding(parts)).toThrow(message)
  })

  it('it is too large', () => {
    expect(encoding({ memory: new Uint8Array(17 * 2 ** 20) })).toThrow('it is too large')
  })
})

it('a term that has two forms is read in the one that a decoder gives it', () => {
  const odd = sampleAt(0, { memory: new ImproperList([1], [2]) })
  const later = sampleAt(1, { memory: [1, 3] })
  expect(readBack(recordingOf([odd, later]).bytes).samples).toEqual([
    { ...odd, memory: [1, 2] },
    later,
  ])
})

describe('a recording that is cut', () => {
  it('is read up to there, at whatever byte, and the rest is torn', () => {
    for (let cut = HEADER.length; cut < bytes.length; cut++) {
      const whole = ends.filter((end) => end <= cut)
      const end = whole.at(-1) ?? HEADER.length
      const torn = { type: 'damage', offset: end, bytes: cut - end, reason: 'torn' }
      expect(readBack(bytes.subarray(0, cut))).toEqual({
        samples: series.slice(0, whole.length),
        damage: cut === end ? [] : [torn],
      })
    }
  })

  it('is none within its first line', () => {
    for (let cut = 0; cut < HEADER.length; cut++) {
      expect(() => readBack(bytes.subarray(0, cut))).toThrow(NotARecordingError)
    }
  })
})

describe('a recording that is damaged', () => {
  const isIn = ({ samples }: ReadBack) => {
    let at = 0
    for (const sample of samples) {
      const found = series.findIndex((it, index) => index >= at && it.takenAt === sample.takenAt)
      expect(sample).toEqual(series[found])
      at = found + 1
    }
  }

  it('gives out no wrong sample, and says so, whichever byte is another one', () => {
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x80]) {
        const damaged = Uint8Array.from(bytes)
        damaged[at] = (damaged[at] ?? 0) ^ flip
        if (at < HEADER.length) {
          expect(() => readBack(damaged)).toThrow(/not a recording|version/)
          continue
        }
        const back = readBack(damaged)
        isIn(back)
        const record = ends.findIndex((end) => at < end)
        // All before, and all from the next key record on.
        const next = Math.ceil((record + 1) / 3) * 3
        expect(back.samples).toHaveLength(record + Math.max(0, series.length - next))
        expect(back.damage.length).toBeGreaterThan(0)
        const [first] = back.damage
        expect(first).toMatchObject({ offset: ends[record - 1] ?? HEADER.length })
      }
    }
  })

  it('is read on behind bytes that are missing, or should not be there', () => {
    const start = ends[0] ?? 0
    const end = ends[1] ?? 0
    for (let at = start; at < end; at++) {
      const missing = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 3)])
      const added = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(5), bytes.subarray(at)])
      for (const back of [readBack(missing), readBack(added)]) {
        isIn(back)
        expect(back.damage.length).toBeGreaterThan(0)
        expect(back.samples.length).toBeGreaterThanOrEqual(5)
      }
    }
  })

  it('says of each record that builds on what is damaged', () => {
    const damaged = Uint8Array.from(bytes)
    damaged[(ends[0] ?? 0) - 1] = 0
    const { samples, damage } = readBack(damaged)
    expect(samples).toEqual(series.slice(3))
    expect(damage.map(({ reason }) => reason)).toEqual(['damaged', 'orphan', 'orphan'])
    const [first] = ends
    expect(damage[1]).toEqual({
      offset: first,
      bytes: (ends[1] ?? 0) - (first ?? 0),
      reason: 'orphan',
    })
  })

  it('is read by chance, in pieces, without another error than those of a recording', () => {
    const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(
        edits,
        fc.nat(bytes.length),
        fc.integer({ min: 1, max: 900 }),
        (all, cut, step) => {
          const damaged = Uint8Array.from(bytes)
          for (const [at, value] of all) damaged[at] = value
          const part = damaged.subarray(cut % 3 === 0 ? cut : 0)
          try {
            isIn(readBack(part, { step }))
          } catch (error) {
            const isTyped =
              error instanceof NotARecordingError || error instanceof RecordingVersionError
            if (!isTyped) throw error
          }
        },
      ),
      { interruptAfterTimeLimit: 1_000, numRuns: 2_000 },
    )
  })

  it('may be two recordings, one behind the other', () => {
    const back = readBack(Buffer.concat([bytes, bytes]))
    expect(back.samples).toEqual([...series, ...series])
    expect(back.damage).toEqual([
      { type: 'damage', offset: bytes.length, bytes: HEADER.length, reason: 'damaged' },
    ])
  })
})

describe('a record whose checksums are right', () => {
  const key = { type: 'key', stream: 0, time: START, node: 'a@b' } as const
  const good = recordingOf([sampleAt(0)]).bytes
  const read = (...records: readonly Uint8Array[]) => readBack(Buffer.concat([HEADER, ...records]))

  it.each([
    ['nothing to inflate', { size: 1, deflated: new Uint8Array() }],
    ['what is not deflated', { size: 1, deflated: Uint8Array.of(0xff, 0xff) }],
    // Stored: one byte, 1, and none.
    ['another size than it says', { size: 2, deflated: Uint8Array.of(1, 1, 0, 0xfe, 0xff, 1) }],
    ['no term', { size: 1, deflated: Uint8Array.of(1, 1, 0, 0xfe, 0xff, 1) }],
    ['another term than a map', { size: 1, deflated: Uint8Array.of(1, 1, 0, 0xfe, 0xff, 0x6a) }],
  ])('is reported with %s, and read on behind', (_, parts) => {
    const bad = writeRecord({ ...key, ...parts }).bytes
    const back = read(bad, good.subarray(HEADER.length))
    expect(back.samples).toEqual([sampleAt(0)])
    expect(back.damage).toMatchObject(
      [
        {
          offset: HEADER.length,
          bytes: bad.length,
          reason: 'unreadable',
          cause: { code: /^ERR_/ },
        },
      ].map(({ cause: _, ...it }) => it),
    )
    expect(back.damage[0]?.cause).toBeInstanceOf(Error)
  })

  it('is reported when it inflates to more than it says', () => {
    const zeros = recordingOf([sampleAt(0, { memory: new Uint8Array(1_000_000) })]).bytes
    const [scanned] = [...recordsIn(zeros)]
    const bad = writeRecord({ ...key, size: 100, deflated: scanned ?? new Uint8Array() }).bytes
    expect(read(bad).damage).toMatchObject([{ reason: 'unreadable' }])
  })

  it('is passed over when it is of a kind, or a size, that no recording has', () => {
    const huge = writeRecord({ ...key, size: 2 ** 31, deflated: new Uint8Array() }).bytes
    expect(read(huge).damage).toMatchObject([{ reason: 'damaged' }])
  })

  it('is an orphan when nothing stands before it', () => {
    const base = { type: 'difference', stream: 9, time: START, base: 0, size: 1 } as const
    const orphan = writeRecord({ ...base, deflated: Uint8Array.of(1, 1, 0, 0xfe, 0xff, 0) }).bytes
    expect(read(orphan).damage).toMatchObject([{ reason: 'orphan' }])
  })
})

function* recordsIn(recording: Uint8Array): Generator<Uint8Array> {
  // The head, and the length and the name of a@b.
  yield recording.subarray(HEADER.length + 29 + 5, -4)
}

it('damage costs no more than its size, however many records it pretends to hold', () => {
  // Each head is right, and each record goes on to the end, where the checksum of none is right.
  const base = { type: 'difference', stream: 0, time: START, base: 0, size: 1 } as const
  const head = writeRecord({ ...base, deflated: new Uint8Array() }).bytes.subarray(0, 29)
  const heads = Buffer.alloc(29 * 60_000)
  for (let at = 0; at < heads.length; at += head.length) {
    heads.set(head, at)
    heads.writeUInt32BE(Math.max(0, heads.length - at - 33), at + 21)
    heads.writeUInt32BE(crc32(heads.subarray(at + 4, at + 25)), at + 25)
  }
  const before = process.cpuUsage()
  const { damage } = readBack(Buffer.concat([HEADER, heads, bytes.subarray(HEADER.length)]))
  const { user } = process.cpuUsage(before)
  expect(damage).toHaveLength(1)
  // To sum up each of them takes a minute.
  expect(user / 1e6).toBeLessThan(10)
})

it('an atom that is nobody’s does no harm', () => {
  const raws = [sampleAt(0, { memory: tuple(atom('__proto__'), 1) })]
  expect(readBack(recordingOf(raws).bytes).samples).toEqual(raws)
})
