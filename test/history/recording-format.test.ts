import { describe, expect, it } from 'vitest'
import { atom } from '../../src/etf/index.ts'
import { NotARecordingError, RecordingVersionError } from '../../src/history/recording-error.ts'
import { HEADER } from '../../src/history/recording-format.ts'
import { rawSnapshotOf } from '../analysis/snapshots.ts'
import { readBack, recordingOf, sampleAt, scan } from './recorded.ts'

const bytesOf = (...parts: readonly string[]): Uint8Array =>
  Buffer.from(parts.join('').replaceAll(' ', ''), 'hex')
const hex = (text: string): string => Buffer.from(text).toString('hex')

const KEY = [
  '89 52 45 43', //          mark
  '4b', //                   kind: K
  '0000', //                 stream: 0
  '019c13ec9e00', //         time: 2026-01-31T12:00:00.000Z
  '00000000', //             base: none
  '00000039', //             size: 57
  '00000043', //             length: 67
  'd78355c9', //             CRC-32 of the head
  '0003', //                 length of the node's name
  hex('a@b'),
  '01 3900 c6ff', //         deflate: the last block, stored, 57 bytes
  '74 00000003', //          MAP_EXT, 3 pairs, see below
  '77 09', //                SMALL_ATOM_UTF8_EXT
  hex('beamscope'),
  '68 02', //                SMALL_TUPLE_EXT, 2 elements
  '77 08',
  hex('snapshot'),
  '61 01', //                SMALL_INTEGER_EXT 1
  '77 0a',
  hex('allocators'),
  '6a', //                   NIL_EXT
  '77 0a',
  hex('schedulers'),
  '61 04', //                SMALL_INTEGER_EXT 4
  'b12176cf', //             CRC-32 of the record
]

const DIFFERENCE = [
  '89 52 45 43',
  '44', //                   kind: D
  '0000',
  '019c13ecc510', //         time: ten seconds later
  'b12176cf', //             base: the checksum of the record above
  '00000003', //             size: 3
  '00000008', //             length: 8
  '794dc8a8', //             CRC-32 of the head
  '01 0300 fcff', //         deflate: the last block, stored, 3 bytes
  '01', //                   one place differs
  '0c', //                   the sixth, 6 * 2, where an integer changed
  '02', //                   by 1
  '8adfcc41', //             CRC-32 of the record
]

const EARLIER = rawSnapshotOf([], {
  node: 'a@b',
  takenAt: '2026-01-31T12:00:00.000Z',
  schedulers: 4,
})
const LATER = { ...EARLIER, takenAt: '2026-01-31T12:00:10.000Z', schedulers: 5 }

describe('a recording', () => {
  const title = Buffer.from('beamscope recording 1\n')

  it('is read from bytes that any release of zlib may have written', () => {
    const bytes = Buffer.concat([title, bytesOf(...KEY), bytesOf(...DIFFERENCE)])
    expect(readBack(bytes)).toEqual({ samples: [EARLIER, LATER], damage: [] })
  })

  it('is written with the same heads, up to what is compressed', () => {
    const { bytes, ends } = recordingOf([EARLIER, LATER])
    const [first = 0] = ends
    expect(bytes.subarray(0, HEADER.length)).toEqual(title)
    expect(Buffer.from(bytes.subarray(22, 35)).toString('hex')).toBe('895245434b0000019c13ec9e00')
    expect(Buffer.from(bytes.subarray(22 + 29, 22 + 34))).toEqual(Buffer.from('\0\x03a@b'))
    const checksum = bytes.subarray(first - 4, first)
    expect(bytes.subarray(first + 13, first + 17)).toEqual(checksum)
    expect(bytes[first + 4]).toBe(0x44)
  })

  it('says in its first line what it is', () => {
    const whole = recordingOf([EARLIER]).bytes
    const withTitle = (text: string) => Buffer.concat([Buffer.from(text), whole.subarray(22)])
    const reading = (bytes: Uint8Array) => () => readBack(bytes)
    expect(reading(withTitle('beamscope recording 2\n'))).toThrow(RecordingVersionError)
    expect(reading(withTitle('beamscope recording 2\n'))).toThrow(
      'recording: a recording in version 2 of the format, which is not known here',
    )
    expect(reading(withTitle('beamscope recording x\n'))).toThrow(NotARecordingError)
    expect(reading(withTitle('beamscope recording \n'))).toThrow(NotARecordingError)
    expect(reading(withTitle(`beamscope recording ${'1'.repeat(100)}\n`))).toThrow(
      NotARecordingError,
    )
    expect(reading(Buffer.from('{[],[]}.\n'))).toThrow('it begins with something else')
    expect(reading(Buffer.alloc(0))).toThrow('recording: not a recording: it is empty')
    expect(reading(HEADER.subarray(0, 5))).toThrow('it ends within its first line')
    expect(readBack(HEADER)).toEqual({ samples: [], damage: [] })
  })

  it('holds nothing of a sample in clear but the name and the time', () => {
    const secret = sampleAt(0, { allocators: [atom('secret'.repeat(20))] })
    expect(Buffer.from(recordingOf([secret]).bytes).includes('secretsecretsecret')).toBe(false)
  })
})

describe('records', () => {
  it('come out whatever the pieces are', () => {
    const { bytes } = recordingOf(
      Array.from({ length: 12 }, (_, index) => sampleAt(index)),
      5,
    )
    const whole = [...scan(bytes)]
    expect(whole).toHaveLength(12)
    for (const step of [1, 2, 7, 100, 1000]) expect([...scan(bytes, step)]).toEqual(whole)
  })
})
