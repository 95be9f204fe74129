import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  atom,
  decode,
  encode,
  equals,
  isList,
  isTuple,
  keyfind,
  property,
  type Term,
  TermReader,
  TermWriter,
} from '../../src/etf/index.ts'
import { arbitraryTerm } from './arbitrary-term.ts'

/** Deep terms are rare, and good: the limit of the decoder is not what is tried here. */
const options = { maxDepth: 1_000_000 }

describe('any term', () => {
  test('is the same after it was written and read', () => {
    fc.assert(
      fc.property(arbitraryTerm(), (term) => {
        const bytes = encode(term)
        const copy = decode(bytes, options)
        expect(equals(copy, term)).toBe(true)
        expect(Buffer.compare(encode(copy), bytes)).toBe(0)
      }),
      { numRuns: 2000 },
    )
  })

  test('is of the same classes with the same fields, whatever our own equality says', () => {
    fc.assert(
      fc.property(arbitraryTerm(), (term) => {
        expect(decode(encode(term), options)).toStrictEqual(term)
      }),
      { numRuns: 100 },
    )
  })

  test('is the same after it was compressed', () => {
    fc.assert(
      fc.property(arbitraryTerm(), fc.constantFrom(1, 6, 9), (term, level) => {
        const bytes = encode(term, { compressed: level })
        expect(bytes.length).toBeLessThanOrEqual(encode(term).length)
        expect(equals(decode(bytes, options), term)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('is the same with binaries as views', () => {
    fc.assert(
      fc.property(arbitraryTerm(), (term) => {
        expect(equals(decode(encode(term), { ...options, binaries: 'view' }), term)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('is read behind another one, as long as it was written', () => {
    fc.assert(
      fc.property(fc.array(arbitraryTerm(), { maxLength: 5 }), (terms) => {
        const writer = new TermWriter()
        for (const term of terms) writer.write(term)
        const reader = new TermReader(writer.bytes(), options)
        for (const term of terms) expect(equals(reader.read(), term)).toBe(true)
        expect(reader.atEnd).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('is cut short nowhere without an error', () => {
    fc.assert(
      fc.property(arbitraryTerm(), fc.double({ min: 0, max: 1, noNaN: true }), (term, part) => {
        const bytes = encode(term)
        const length = Math.floor(part * (bytes.length - 1))
        expect(() => decode(bytes.subarray(0, length), options)).toThrow(/at byte/)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the snapshots of real nodes', () => {
  const read = (name: string): Uint8Array =>
    readFileSync(new URL(`../fixtures/golden/${name}/snapshot.etf`, import.meta.url))

  const names = [
    'otp23-binary-8-schedulers',
    'otp25-ets-2-schedulers',
    'otp27-mixed-supercarrier',
    'otp29-mixed-4-schedulers',
  ]

  test.each(names)('%s is decoded', (name) => {
    const snapshot = decode(read(name))
    expect(isTuple(snapshot, 2)).toBe(true)
    const [memory, allocators]: readonly Term[] = isTuple(snapshot) ? snapshot.elements : []
    expect(property('total', memory)).toBeGreaterThan(1_000_000)
    for (const allocator of ['erts_mmap', 'binary_alloc', 'eheap_alloc', 'sys_alloc']) {
      expect(isTuple(keyfind(allocator, allocators), 2), allocator).toBe(true)
    }
    const instances = property('binary_alloc', allocators)
    expect(isList(instances) && instances.length).toBeGreaterThan(2)
  })

  test.each(names)('%s is the same after it was written and read', (name) => {
    const snapshot = decode(read(name))
    const copy = decode(encode(snapshot))
    expect(copy).toStrictEqual(snapshot)
    expect(equals(copy, snapshot)).toBe(true)
    expect(decode(encode(snapshot, { compressed: 9 }))).toStrictEqual(snapshot)
  })

  test.each(names.slice(2))('%s is written with the very bytes of the node', (name) => {
    const bytes = read(name)
    expect(Buffer.compare(encode(decode(bytes)), bytes)).toBe(0)
  })

  test.each(names.slice(0, 2))('%s is written in UTF-8 where the node wrote Latin-1', (name) => {
    // Each ATOM_EXT, of a length in two bytes, becomes a SMALL_ATOM_UTF8_EXT, of one.
    const bytes = read(name)
    const snapshot = decode(bytes)
    let atoms = 0
    const todo: Term[] = [snapshot]
    for (let term = todo.pop(); term !== undefined; term = todo.pop()) {
      if (isList(term)) todo.push(...term)
      else if (isTuple(term)) todo.push(...term.elements)
      else if (typeof term === 'object' && 'name' in term) atoms++
    }
    expect(encode(snapshot).length).toBe(bytes.length - atoms)
  })

  test('share their atoms: a name that stood before is the same object', () => {
    const snapshot = decode(read('otp29-mixed-4-schedulers'))
    const seen = new Map<string, Term>()
    const todo: Term[] = [snapshot]
    let found = 0
    for (let term = todo.pop(); term !== undefined; term = todo.pop()) {
      if (isList(term)) todo.push(...term)
      else if (isTuple(term)) todo.push(...term.elements)
      else if (typeof term === 'object' && 'type' in term && term.type === 'atom') {
        if (seen.get(term.name) === term) found++
        seen.set(term.name, term)
      }
    }
    expect(seen.has(atom('mbcs').name)).toBe(true)
    expect(found).toBeGreaterThan(1000)
  })
})
