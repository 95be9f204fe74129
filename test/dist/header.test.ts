import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AtomCache } from '../../src/dist/atom-cache.ts'
import {
  firstFragmentHeader,
  nextFragmentHeader,
  readHeader,
  wholeHeader,
} from '../../src/dist/header.ts'
import { HeaderError } from '../../src/dist/header-error.ts'
import { TermReader } from '../../src/etf/index.ts'
import { withAtomCache } from './recorded.ts'
import { uint64, wire } from './wire.ts'

function names(frame: Uint8Array, cache: AtomCache): string[] {
  return readHeader(frame, cache).atoms.map((atom) => atom.name)
}

describe('readHeader', () => {
  it('reads what a node sent, and remembers its atoms', () => {
    const cache = new AtomCache()
    const { spawnReply, monitorExit, longAtom, fragments } = withAtomCache
    expect(readHeader(spawnReply, cache)).toMatchObject({ kind: 'whole', end: 36 })
    expect(names(spawnReply, cache)).toEqual(['rec@127.0.0.1', 'peer@127.0.0.1'])
    const three = ['peer@127.0.0.1', 'rec@127.0.0.1', 'return']
    expect(names(monitorExit, cache)).toEqual(three)
    expect(names(longAtom, cache)).toEqual([...three, '語'.repeat(100)])
    const [first = wire(), second = wire()] = fragments
    expect(names(first, cache)).toEqual(three)
    const sequence = 0x2e0000005c3
    expect(readHeader(first, cache)).toMatchObject({
      kind: 'first',
      sequence,
      fragment: 3,
      end: 24,
    })
    expect(readHeader(second, cache)).toEqual({
      kind: 'next',
      sequence,
      fragment: 2,
      atoms: [],
      end: 18,
    })
  })

  it('reads the example of the documentation', () => {
    const cache = new AtomCache()
    // Its two atoms that "are already in the cache": slot 10 of segment 4, slot 5 of segment 0.
    cache.readRefs(wire(2, 0x8c, 0x00, 10, 6, 'n@host', 5, 0), 0)
    const example = wire(
      // Header with seq and frag id
      ...[131, 69, 0, 0, 2, 168, 0, 0, 5, 83, 0, 0, 0, 0, 0, 0, 0, 2],
      // Atom cache updates
      ...[5, 4, 137, 9, 10, 5, 236, 3, 114, 101, 103, 9, 4, 99, 97, 108, 108],
      ...[238, 13, 115, 101, 116, 95, 103, 101, 116, 95, 115, 116, 97, 116, 101],
      // Control message
      ...[104, 4, 97, 6, 103, 82, 0, 0, 0, 0, 85, 0, 0, 0, 0, 2, 82, 1, 82, 2],
    )
    const header = readHeader(example, cache)
    expect(header.fragment).toBe(2)
    expect(header.atoms.map((atom) => atom.name)).toEqual([
      'n@host',
      '',
      'reg',
      'call',
      'set_get_state',
    ])
    const reader = new TermReader(example.subarray(header.end), { atomCacheRefs: header.atoms })
    // {6, <0.85.0>, '', reg}
    expect(reader.read()).toMatchObject({
      elements: [6, { node: { name: 'n@host' }, id: 85 }, { name: '' }, { name: 'reg' }],
    })
    expect(reader.atEnd).toBe(true)
  })

  it('finds the long-atoms flag for any number of references', () => {
    for (let count = 1; count <= 255; count++) {
      const flags = new Uint8Array((count >> 1) + 1).fill(0x88)
      const last = flags.length - 1
      // Even: the low half of a byte of its own. Odd: the high half of the last reference's byte.
      flags[last] = count % 2 === 0 ? 0x01 : 0x18
      const refs = Array.from({ length: count }, (_, index) => wire(index, 0, 1, 'a'))
      const header = readHeader(wire(131, 68, count, flags, ...refs), new AtomCache())
      expect(header.atoms).toHaveLength(count)
      expect(header.end).toBe(3 + flags.length + 4 * count)
    }
  })

  it('tells the 2048 slots apart', () => {
    const cache = new AtomCache()
    for (let slot = 0; slot < 2048; slot++) {
      const segment = slot >> 8
      cache.readRefs(wire(1, 0x8 | segment, slot & 0xff, 4, String(slot + 1000)), 0)
    }
    for (let slot = 0; slot < 2048; slot++) {
      const { atoms } = cache.readRefs(wire(1, slot >> 8, slot & 0xff), 0)
      expect(atoms[0]?.name).toBe(String(slot + 1000))
    }
  })

  it('takes the newest atom of a slot, within one header too', () => {
    const cache = new AtomCache()
    cache.readRefs(wire(1, 0x08, 0, 1, 'a'), 0)
    // Slot 0 as it was, slot 0 anew, slot 0 as it was.
    const { atoms } = cache.readRefs(wire(3, 0x80, 0x00, 0, 0, 1, 'b', 0), 0)
    expect(atoms.map((atom) => atom.name)).toEqual(['a', 'b', 'b'])
  })

  it('keeps a cache for each connection', () => {
    const one = new AtomCache()
    one.readRefs(wire(1, 0x08, 0, 1, 'a'), 0)
    expect(() => new AtomCache().readRefs(wire(1, 0x00, 0), 0)).toThrow(HeaderError)
  })

  it('rejects a reference to a slot that was never filled', () => {
    const header = () => readHeader(wire(131, 68, 1, 0x07, 0x2f), new AtomCache())
    expect(header).toThrow(new HeaderError('refers to the atom in slot 1839, which is empty', 4))
  })

  it('rejects an atom that is none', () => {
    const cache = new AtomCache()
    const notUtf8 = wire(131, 68, 1, 0x08, 0, 1, 0xff)
    const tooLong = wire(131, 68, 1, 0x18, 0, 1, 0x00, 'a'.repeat(256))
    expect(() => readHeader(notUtf8, cache)).toThrow(HeaderError)
    expect(() => readHeader(tooLong, cache)).toThrow(HeaderError)
  })

  it('rejects what ends too early, wherever', () => {
    const { spawnReply, monitorExit, longAtom, fragments } = withAtomCache
    const cache = new AtomCache()
    readHeader(spawnReply, cache)
    for (const frame of [spawnReply, monitorExit, longAtom, ...fragments]) {
      const { end } = readHeader(frame, cache)
      for (let length = 0; length < end; length++) {
        expect(() => readHeader(frame.subarray(0, length), cache)).toThrow(HeaderError)
      }
    }
  })

  it('rejects fragment 0, and more fragments than can be counted', () => {
    const first = (fragment: bigint) => wire(131, 69, uint64(1), uint64(fragment), 0)
    const next = (fragment: bigint) => wire(131, 70, uint64(1), uint64(fragment))
    for (const fragment of [0n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(() => readHeader(first(fragment), new AtomCache())).toThrow(HeaderError)
      expect(() => readHeader(next(fragment), new AtomCache())).toThrow(HeaderError)
    }
    expect(readHeader(first(2n ** 53n - 1n), new AtomCache()).fragment).toBe(2 ** 53 - 1)
  })

  it('tells sequences of 64 bits apart', () => {
    const { sequence } = readHeader(
      wire(131, 70, uint64(2n ** 64n - 1n), uint64(1)),
      new AtomCache(),
    )
    expect(sequence).toBe(2n ** 64n - 1n)
  })

  it('rejects other versions and tags', () => {
    expect(() => readHeader(wire(130, 68, 0), new AtomCache())).toThrow(HeaderError)
    expect(() => readHeader(wire(131, 71, 0), new AtomCache())).toThrow(HeaderError)
    expect(() => readHeader(wire(131), new AtomCache())).toThrow(HeaderError)
  })

  it('reads or rejects any bytes, and nothing else happens', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(68, 69, 70),
        fc.uint8Array({ maxLength: 80, size: 'max' }),
        (tag, bytes) => {
          const frame = wire(131, tag, bytes)
          try {
            const { end, atoms } = readHeader(frame, new AtomCache())
            expect(end).toBeLessThanOrEqual(frame.length)
            expect(atoms.length).toBeLessThanOrEqual(255)
          } catch (error) {
            expect(error).toBeInstanceOf(HeaderError)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('the headers that are written', () => {
  it('are read again', () => {
    const cache = new AtomCache()
    expect(readHeader(wholeHeader(), cache)).toMatchObject({ kind: 'whole', atoms: [], end: 3 })
    expect(readHeader(firstFragmentHeader(7, 3), cache)).toEqual({
      kind: 'first',
      sequence: 7,
      fragment: 3,
      atoms: [],
      end: 19,
    })
    expect(readHeader(nextFragmentHeader(7, 2), cache)).toMatchObject({
      kind: 'next',
      sequence: 7,
      fragment: 2,
      end: 18,
    })
  })
})
