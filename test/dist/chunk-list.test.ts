import { describe, expect, it } from 'vitest'
import { ChunkList } from '../../src/dist/chunk-list.ts'
import { wire } from './wire.ts'

describe('ChunkList', () => {
  it('makes one piece of many short ones while they come, not when they are asked for', () => {
    const list = new ChunkList()
    for (let i = 0; i < 300; i++) list.push(wire(i & 0xff))
    // The 256 first, and those that came after them.
    expect(list.take(1).buffer.byteLength).toBe(256)
    list.skip(255)
    expect(list.take(1)).toEqual(wire(0))
    expect(list.take(1).buffer.byteLength).toBe(44)
  })

  it('keeps the order of short and long pieces', () => {
    const list = new ChunkList()
    const long = wire('x'.repeat(1000))
    for (const part of [wire('ab'), long, wire('c'), wire('d'), long, wire('e')]) list.push(part)
    expect(list.take(list.length)).toEqual(wire('ab', long, 'cd', long, 'e'))
  })

  it('looks ahead over the end of a piece', () => {
    const list = new ChunkList()
    list.push(wire('x'.repeat(999), 1))
    list.push(wire(2, 3, 'y'.repeat(998)))
    list.skip(999)
    expect(list.peekUint(3)).toBe(0x010203)
    expect(list.length).toBe(1001)
  })

  it('gives no more than there is', () => {
    const list = new ChunkList()
    list.push(wire('ab'))
    expect(() => list.take(3)).toThrow(RangeError)
    expect(list.take(2)).toEqual(wire('ab'))
  })
})
