import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { memory } from '../../src/analysis/index.ts'
import { atom, binary, decode, encode, equals, map, type Term, tuple } from '../../src/etf/index.ts'
import { parseTerm } from '../../src/etf/parse.ts'
import { SnapshotFieldError } from '../../src/history/native-snapshot.ts'
import {
  readSnapshot,
  type SnapshotFormat,
  writeSnapshot,
} from '../../src/history/snapshot-bytes.ts'
import {
  CorruptSnapshotError,
  NotASnapshotError,
  SnapshotContentError,
  SnapshotTooLargeError,
  SnapshotVersionError,
} from '../../src/history/snapshot-error.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import { goldenBytes, goldenNames } from '../analysis/golden.ts'
import { rawSnapshotOf } from '../analysis/snapshots.ts'
import { answer, utilInstance } from '../probe/answers.ts'
import { recordingOf } from './recorded.ts'

const utf8 = new TextEncoder()
const golden = goldenBytes('otp25-ets-2-schedulers', 'snapshot.etf')

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function termIn(bytes: Uint8Array): Term {
  return parseTerm(text(bytes))
}

describe('a snapshot', () => {
  it.each([
    ['etf', 'snapshot.etf'],
    ['terms', 'snapshot.terms'],
    ['recon', 'recon_snapshot.terms'],
  ] as const)('is recognised as %s by its content', (format, file) => {
    const loaded = readSnapshot(goldenBytes('otp25-ets-2-schedulers', file))
    expect(loaded.format).toBe(format)
    expect(loaded.snapshot.memory).toMatchObject({ total: 16_424_080 })
    expect(loaded.snapshot).toMatchObject({ node: undefined, os: undefined })
    expect(loaded.snapshot.missing).toEqual([
      { what: 'resident size', why: 'the file holds nothing of the operating system' },
    ])
  })

  it('may be compressed, or recon’s in the External Term Format', () => {
    const compressed = encode(decode(golden), { compressed: 9 })
    expect(compressed.length).toBeLessThan(golden.length / 4)
    expect(readSnapshot(compressed)).toEqual(readSnapshot(golden))
    const { raw } = readSnapshot(goldenBytes('otp25-ets-2-schedulers', 'recon_snapshot.terms'))
    expect(readSnapshot(encode(tuple(raw.memory ?? [], raw.allocators))).format).toBe('recon')
  })

  it('may be without erlang:memory(), and says so', () => {
    const allocators = [answer('sl_alloc', atom('false')), answer('ets_alloc', [utilInstance(0)])]
    for (const term of [allocators, tuple([], allocators), tuple(atom('notsup'), allocators)]) {
      const { snapshot } = readSnapshot(encode(term))
      expect(snapshot).toMatchObject({ memory: undefined, disabled: ['sl_alloc'] })
      expect(snapshot.missing[0]).toEqual({
        what: 'erlang:memory()',
        why: 'the file does not hold it',
      })
    }
  })

  it('may be of a node that says nothing at all', () => {
    const { snapshot } = readSnapshot(encode(tuple([], [])))
    expect(memory(snapshot, 'usage')).toBeUndefined()
  })

  it('may be text with a comment before it, and in Latin-1', () => {
    const source = `%% caf\u00e9\n${text(goldenBytes('otp25-ets-2-schedulers', 'snapshot.terms'))}`
    const latin1 = Uint8Array.from(source, (character) => character.charCodeAt(0))
    expect(readSnapshot(latin1).snapshot).toEqual(readSnapshot(utf8.encode(source)).snapshot)
  })
})

describe('writing', () => {
  const formats: readonly SnapshotFormat[] = ['native', 'etf', 'terms', 'recon']

  describe.each(goldenNames)('%s', (name) => {
    const { raw, snapshot } = readSnapshot(goldenBytes(name, 'snapshot.etf'))
    const fromRecon = readSnapshot(goldenBytes(name, 'recon_snapshot.terms'))

    it.each(formats)('as %s keeps the snapshot', (format) => {
      const loaded = readSnapshot(writeSnapshot(raw, format))
      expect(loaded.format).toBe(format)
      expect(loaded.snapshot).toEqual(snapshot)
      expect(readSnapshot(writeSnapshot(fromRecon.raw, format)).snapshot).toEqual(snapshot)
    })

    it('as etf gives the term of the node', () => {
      const written = decode(writeSnapshot(raw, 'etf'))
      expect(equals(written, decode(goldenBytes(name, 'snapshot.etf')))).toBe(true)
    })

    it('as terms and as recon gives the text of the node, but for white space', () => {
      const golden = termIn(goldenBytes(name, 'snapshot.terms'))
      const recon = termIn(goldenBytes(name, 'recon_snapshot.terms'))
      expect(equals(termIn(writeSnapshot(raw, 'terms')), golden)).toBe(true)
      expect(equals(termIn(writeSnapshot(raw, 'recon')), recon)).toBe(true)
      expect(equals(termIn(writeSnapshot(fromRecon.raw, 'recon')), recon)).toBe(true)
    })
  })

  it('as recon has no disabled allocator, and an empty list for a memory that is not known', () => {
    const raw = rawSnapshotOf([answer('sl_alloc', atom('false')), answer('fix_alloc', [])])
    expect(text(writeSnapshot(raw, 'recon'))).toBe('{[],[]}.\n')
  })

  it('keeps the order of instances that recon’s form mixes', () => {
    const key = (allocator: string, number: number) => tuple(atom(allocator), number)
    const { raw } = readSnapshot(
      encode(
        tuple(
          [],
          [
            tuple(key('ets_alloc', 1), properties(utilInstance(1))),
            tuple(key('sl_alloc', 1), properties(utilInstance(1))),
            tuple(key('ets_alloc', 0), properties(utilInstance(0))),
          ],
        ),
      ),
    )
    const { snapshot } = readSnapshot(writeSnapshot(raw, 'etf'))
    expect(snapshot.allocators.map(({ allocator, instance }) => [allocator, instance])).toEqual([
      ['ets_alloc', 1],
      ['sl_alloc', 1],
      ['ets_alloc', 0],
    ])
  })
})

function properties(instance: Term): Term {
  const list =
    instance instanceof Object && 'elements' in instance ? instance.elements[2] : undefined
  if (list === undefined) throw new Error('not an instance')
  return list
}

describe('the native format', () => {
  const raw: RawSnapshot = {
    node: 'rabbit@host',
    takenAt: '2026-01-31T12:00:00.000Z',
    otpRelease: '27',
    schedulers: 4,
    schedulersOnline: 2,
    memory: [tuple(atom('total'), 2n ** 60n)],
    allocators: [answer('ets_alloc', [utilInstance(0)]), answer('sl_alloc', atom('false'))],
    duration: 1.5,
    os: {
      source: '/proc/self/smaps_rollup',
      resident: 2n ** 53n,
      lazyFree: 0,
      swapped: undefined,
      peakResident: 5,
      limit: { bytes: 2n ** 54n, source: '/sys/fs/cgroup/memory.max' },
    },
    missing: [{ what: 'swap', why: 'said nobody – ever' }],
  }

  it('keeps all that a probe knows, terms and all', () => {
    expect(readSnapshot(writeSnapshot(raw, 'native')).raw).toEqual(raw)
  })

  it('keeps what is not known', () => {
    const nothing = rawSnapshotOf([])
    expect(readSnapshot(writeSnapshot(nothing, 'native')).raw).toEqual(nothing)
  })

  it('is read as text too, and with keys that are not known yet', () => {
    const source = `#{beamscope => {snapshot,1}, colour => blue,
                      allocators => [{sl_alloc,false}], otp_release => <<"27">>}.`
    expect(readSnapshot(utf8.encode(source))).toMatchObject({
      format: 'native',
      snapshot: { otpRelease: '27', disabled: ['sl_alloc'], node: undefined },
    })
  })

  it('is read without a limit of memory, as it was written once', () => {
    const source = `#{beamscope => {snapshot,1}, allocators => [],
                      os => #{source => <<"ps">>, resident => 5}}.`
    const { snapshot } = readSnapshot(utf8.encode(source))
    expect(snapshot.os).toMatchObject({ source: 'ps', resident: 5 })
    expect(snapshot.os?.limit).toBeUndefined()
  })

  const native = (fields: Readonly<Record<string, Term>>) =>
    encode(
      map(
        Object.entries({
          beamscope: tuple(atom('snapshot'), 1),
          allocators: [],
          ...fields,
        }).map(([name, value]) => [atom(name), value]),
      ),
    )

  it('is refused in a version that is not known', () => {
    expect(() => readSnapshot(native({ beamscope: tuple(atom('snapshot'), 2) }))).toThrow(
      SnapshotVersionError,
    )
    expect(() => readSnapshot(native({ beamscope: atom('snapshot') }))).toThrow(
      'snapshot: a snapshot in version snapshot of the format, which is not known here',
    )
  })

  it.each<[string, Term]>([
    ['node', binary('rabbit@host')],
    ['taken_at', binary('yesterday')],
    ['taken_at', binary('2026-13-31T12:00:00Z')],
    ['otp_release', atom('27')],
    ['otp_release', Uint8Array.of(0xff)],
    ['schedulers', -1],
    ['schedulers_online', atom('many')],
    ['os', []],
    ['missing', [atom('all')]],
    ['missing', [tuple(binary('swap'), 1)]],
  ])('has no other %s than the format says', (field, value) => {
    expect(() => readSnapshot(native({ [field]: value }))).toThrow(SnapshotContentError)
    try {
      readSnapshot(native({ [field]: value }))
    } catch (error) {
      expect(error).toMatchObject({ cause: { code: 'ERR_SNAPSHOT_FIELD', field } })
    }
  })

  it('has no figures of the operating system without a source and a size', () => {
    const os = (fields: Readonly<Record<string, Term>>) =>
      native({ os: map(Object.entries(fields).map(([name, value]) => [atom(name), value])) })
    const message = (bytes: Uint8Array) => {
      try {
        readSnapshot(bytes)
      } catch (error) {
        return error instanceof SnapshotContentError && error.cause instanceof SnapshotFieldError
          ? error.message
          : error
      }
      return undefined
    }
    expect(message(os({ source: binary('ps') }))).toBe(
      'snapshot: os.resident: expected a size, found nothing',
    )
    expect(message(os({ resident: 5 }))).toBe(
      'snapshot: os.source: expected a binary, found nothing',
    )
    expect(message(os({ source: binary('ps'), resident: 5, swapped: atom('no') }))).toBe(
      'snapshot: os.swapped: expected a size, found no',
    )
    const limit = (term: Term) => os({ source: binary('ps'), resident: 5, limit: term })
    expect(message(limit(5))).toBe('snapshot: os.limit: expected a map, found 5')
    expect(message(limit(map([[atom('bytes'), 5]])))).toBe(
      'snapshot: os.limit.source: expected a binary, found nothing',
    )
    expect(message(limit(map([[atom('bytes'), atom('max')]])))).toBe(
      'snapshot: os.limit.bytes: expected a size, found max',
    )
  })

  it('shows nothing in an error that steers a terminal', () => {
    for (const bytes of [
      native({ otp_release: atom('\u2067') }),
      native({ beamscope: atom('\u2067') }),
      native({ allocators: atom('\u2067') }),
      native({ allocators: [tuple(atom('ets_alloc'), atom('\u2067'))] }),
      native({ memory: atom('\u2067') }),
    ]) {
      expect(() => readSnapshot(bytes)).toThrow('\\x{2067}')
    }
  })

  it('must have allocators', () => {
    expect(() =>
      readSnapshot(encode(map([[atom('beamscope'), tuple(atom('snapshot'), 1)]]))),
    ).toThrow('allocators: expected a list of allocators, found nothing')
  })
})

describe('bytes that are no snapshot', () => {
  const read = (bytes: Uint8Array, maxSize?: number) => {
    try {
      readSnapshot(bytes, { source: 'dump.terms', ...(maxSize === undefined ? {} : { maxSize }) })
    } catch (error) {
      return error
    }
    throw new Error('they are one')
  }

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'dump.terms: not a snapshot: it is empty'],
    [
      'gzip',
      gzipSync(golden),
      'dump.terms: not a snapshot: it is compressed with gzip; unpack it first',
    ],
    [
      'a crash dump',
      utf8.encode('=erl_crash_dump:0.5\nSun Nov 22 2026'),
      'dump.terms: not a snapshot: it is a crash dump',
    ],
    [
      'a recording',
      recordingOf([]).bytes,
      'dump.terms: not a snapshot: it is a recording, of many snapshots',
    ],
    [
      'another binary format',
      Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0),
      'dump.terms: not a snapshot: it is neither text nor in the External Term Format',
    ],
    ['another term', encode(atom('ok')), 'dump.terms: not a snapshot: it holds an atom'],
    [
      'another list',
      utf8.encode('[{a,1}].'),
      'dump.terms: not a snapshot: none of its parts is an allocator',
    ],
    ['an empty list', utf8.encode('[].'), 'dump.terms: not a snapshot: it holds an empty list'],
  ])('%s is named', (_, bytes, message) => {
    const error = read(bytes)
    expect(error).toBeInstanceOf(NotASnapshotError)
    expect(error).toMatchObject({
      code: 'ERR_SNAPSHOT_UNRECOGNISED',
      message,
      source: 'dump.terms',
    })
  })

  it.each([
    ['a cookie', 'SECRET'],
    ['a cookie that is an atom', 'secret'],
    ['a configuration', '[{rabbit,[{default_pass,<<"secret">>}]}].'],
    ['a configuration that breaks off', '[{rabbit,[{default_pass,<<"secret">>}]}'],
    ['a pair', '{[{default_pass,"secret"}],[{secret,1}]}.'],
    ['another pair', '{secret,"secret"}.'],
    ['numbers', '{secret,[83,69,67,82,69,84,7,300]}.'],
  ])('%s is not shown', (_, text) => {
    const error = read(utf8.encode(text))
    expect(error).toBeInstanceOf(NotASnapshotError)
    expect(inspect(error)).not.toMatch(/secret|83/i)
  })

  it('prose is no snapshot', () => {
    expect(read(utf8.encode('Hello, world'))).toBeInstanceOf(NotASnapshotError)
  })

  it('a file that breaks off tells the byte', () => {
    const error = read(golden.subarray(0, 1_000))
    expect(error).toBeInstanceOf(CorruptSnapshotError)
    expect(error).toMatchObject({
      code: 'ERR_SNAPSHOT_CORRUPT',
      line: undefined,
      cause: { code: 'ERR_TERM_TRUNCATED' },
    })
    expect(String(error)).toMatch(/^CorruptSnapshotError: dump\.terms: damaged: .*, at byte \d+$/)
  })

  it('text that breaks off tells line and column', () => {
    const error = read(goldenBytes('otp25-ets-2-schedulers', 'snapshot.terms').subarray(0, 400))
    expect(error).toBeInstanceOf(CorruptSnapshotError)
    expect(error).toMatchObject({ line: expect.any(Number), column: expect.any(Number) })
  })

  it('an answer of another shape tells its place', () => {
    const error = read(utf8.encode('{[], [{ets_alloc, [{instance, 0, [{mbcs, wrong}]}]}]}.'))
    expect(error).toBeInstanceOf(SnapshotContentError)
    expect(error).toMatchObject({
      code: 'ERR_SNAPSHOT_CONTENT',
      message: 'dump.terms: ets_alloc 0, mbcs: expected a property list, found wrong',
      cause: { code: 'ERR_ALLOCATOR_SHAPE' },
    })
  })

  it('more bytes than the limit are not looked at', () => {
    expect(read(golden, 1_000)).toBeInstanceOf(SnapshotTooLargeError)
    expect(read(golden, 1_000)).toMatchObject({
      message: 'dump.terms: too large for a snapshot: it has more than 1000 bytes',
      limit: 1_000,
    })
  })

  it('compressed bytes that become more than the limit are not unpacked', () => {
    const zeros = encode(new Uint8Array(1_000_000), { compressed: 9 })
    expect(read(zeros, 10_000)).toBeInstanceOf(SnapshotTooLargeError)
  })

  it('terms nested deeper than any answer are not read', () => {
    const deep = `{[],${'['.repeat(20_000)}`
    expect(read(utf8.encode(deep))).toMatchObject({ code: 'ERR_SNAPSHOT_TOO_LARGE' })
  })
})

describe('a snapshot that is cut, at whatever byte', () => {
  const raw = rawSnapshotOf([answer('ets_alloc', [utilInstance(0)])], {
    memory: [tuple(atom('total'), 1)],
  })

  it.each<SnapshotFormat>(['native', 'etf', 'terms', 'recon'])('is no other %s', (format) => {
    const whole = writeSnapshot(raw, format)
    const { snapshot } = readSnapshot(whole)
    // Of text, the full stop and the end of the line say nothing.
    const end = whole.length - (format === 'terms' || format === 'recon' ? 2 : 0)
    // Up to the name of an allocator it could be any text.
    const known = text(whole).indexOf('ets_alloc') + 'ets_alloc'.length
    for (let cut = 0; cut < whole.length; cut++) {
      const reading = () => readSnapshot(whole.subarray(0, cut), { source: 'torn' })
      if (cut >= end) expect(reading().snapshot).toEqual(snapshot)
      else if (cut === 0) expect(reading).toThrow('torn: not a snapshot: it is empty')
      else if (format === 'terms' || format === 'recon') {
        expect(reading).toThrow(cut < known ? NotASnapshotError : CorruptSnapshotError)
        expect(reading).toThrow(
          /(ends within a term|the text ends|has no end), at line \d+, column/,
        )
      } else {
        expect(reading).toThrow(CorruptSnapshotError)
        expect(reading).toThrow(/^torn: damaged: .*(left|cut short), at byte \d+$/)
      }
    }
  })
})
