import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeFrame,
  FrameSplitter,
  FrameTooLargeError,
  frameHeader,
  TICK,
} from '../../src/dist/frames.ts'
import { cut, wire } from './wire.ts'

function splitter(headerSize: 2 | 4, maxLength = 1_000_000): FrameSplitter {
  return new FrameSplitter({ headerSize, maxLength })
}

function drain(from: FrameSplitter): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let frame = from.next(); frame !== undefined; frame = from.next()) frames.push(frame)
  return frames
}

const arbitraryFrames = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 3000, size: 'max' })),
  { maxLength: 12 },
)

describe('FrameSplitter', () => {
  it('reads lengths of two bytes, as the handshake over TCP has them', () => {
    const frames = splitter(2)
    frames.push(wire(0, 3, 'sok', 0, 1, 'a'))
    expect(drain(frames)).toEqual([wire('sok'), wire('a')])
  })

  it('reads lengths of four bytes, where none stands for a tick', () => {
    const frames = splitter(4)
    frames.push(wire(TICK, 0, 0, 0, 2, 'ab', TICK))
    expect(drain(frames)).toEqual([wire(), wire('ab'), wire()])
  })

  it('gives the same frames wherever the stream is cut in two', () => {
    const stream = wire(0, 0, 0, 5, 'first', TICK, 0, 0, 0, 6, 'second', 0, 0, 0, 1, 'x')
    for (let place = 0; place <= stream.length; place++) {
      const frames = splitter(4)
      const seen: Uint8Array[] = []
      for (const chunk of cut(stream, [place])) {
        frames.push(chunk)
        seen.push(...drain(frames))
      }
      expect(seen).toEqual([wire('first'), wire(), wire('second'), wire('x')])
      expect(frames.buffered).toBe(0)
    }
  })

  it('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        arbitraryFrames,
        fc.constantFrom<2 | 4>(2, 4),
        fc.array(fc.nat({ max: 40_000 }), { maxLength: 400, size: 'max' }),
        fc.boolean(),
        (sent, headerSize, places, drainsEachTime) => {
          const stream = wire(...sent.flatMap((frame) => encodeFrame([frame], headerSize)))
          const frames = splitter(headerSize)
          const seen: Uint8Array[] = []
          for (const chunk of cut(stream, places)) {
            frames.push(chunk)
            if (drainsEachTime) seen.push(...drain(frames))
          }
          seen.push(...drain(frames))
          expect(seen).toEqual(sent)
          expect(frames.buffered).toBe(0)
        },
      ),
    )
  })

  it('puts a frame together from single bytes', () => {
    const body = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251)
    const frames = splitter(4)
    const stream = wire(...encodeFrame([body], 4))
    const seen: Uint8Array[] = []
    for (let i = 0; i < stream.length; i++) {
      frames.push(stream.subarray(i, i + 1))
      seen.push(...drain(frames))
    }
    expect(seen).toEqual([body])
  })

  it('does not copy a frame that lies whole within a chunk', () => {
    const chunk = wire(0, 0, 0, 3, 'abc', 0, 0, 0, 1, 'd')
    const frames = splitter(4)
    frames.push(chunk)
    expect(drain(frames).map((frame) => frame.buffer)).toEqual([chunk.buffer, chunk.buffer])
  })

  it('keeps what is left of a chunk that is lent', () => {
    fc.assert(
      fc.property(
        arbitraryFrames,
        fc.constantFrom<2 | 4>(2, 4),
        fc.array(fc.nat({ max: 40_000 }), { maxLength: 400, size: 'max' }),
        (sent, headerSize, places) => {
          const frames = splitter(headerSize)
          const seen: Uint8Array[] = []
          for (const part of cut(
            wire(...sent.flatMap((it) => encodeFrame([it], headerSize))),
            places,
          )) {
            const lent = part.slice()
            frames.push(lent)
            seen.push(...drain(frames).map((frame) => frame.slice()))
            frames.release()
            lent.fill(0xff)
          }
          expect(seen).toEqual(sent)
          expect(frames.buffered).toBe(0)
        },
      ),
    )
  })

  it('leaves frames that it gave before as they are', () => {
    const frames = splitter(4)
    frames.push(wire(0, 0, 0, 2, 'ab', 0, 0, 0, 2, 'c'))
    const first = frames.next()
    frames.push(wire('d', 0, 0, 0, 300, 'x'.repeat(44)))
    const second = frames.next()
    expect([first, second]).toEqual([wire('ab'), wire('cd')])
  })

  it('gives a plain Uint8Array for a Buffer, whose slice() would not copy', () => {
    const frames = splitter(4)
    frames.push(Buffer.from([0, 0, 0, 1, 7]))
    expect(Buffer.isBuffer(frames.next())).toBe(false)
  })

  it('hands the bytes behind the handshake to the next phase', () => {
    const frames = splitter(2, 0xffff)
    frames.push(wire(0, 3, 'ack', 0, 0, 0, 2, 'hi', TICK))
    expect(frames.next()).toEqual(wire('ack'))
    frames.switchTo({ headerSize: 4, maxLength: 100 })
    expect(drain(frames)).toEqual([wire('hi'), wire()])
  })

  it('can change the phase when a part of the next frame was already looked at', () => {
    const frames = splitter(2, 0xffff)
    frames.push(wire(0, 3, 'ack', 0, 0))
    expect(drain(frames)).toEqual([wire('ack'), wire()])
    frames.push(wire(0, 0, 0, 5, 'he'))
    frames.switchTo({ headerSize: 4, maxLength: 100 })
    expect(frames.next()).toBeUndefined()
    frames.push(wire('llo'))
    expect(frames.next()).toEqual(wire('hello'))
  })

  it('waits for the longer length after a change of phase', () => {
    const frames = splitter(2, 0xffff)
    frames.push(wire(0, 1))
    expect(frames.next()).toBeUndefined()
    frames.switchTo({ headerSize: 4, maxLength: 0x1_0000 })
    frames.push(wire(0))
    expect(frames.next()).toBeUndefined()
    frames.push(wire(0, 'x'.repeat(0x1_0000)))
    expect(frames.next()).toHaveLength(0x1_0000)
  })

  it('gives up what is left as raw bytes', () => {
    const frames = splitter(2)
    frames.push(wire(0, 1, 'a', 0, 9, 'rest'))
    frames.next()
    expect(frames.next()).toBeUndefined()
    expect(frames.remainder()).toEqual(wire(0, 9, 'rest'))
    expect(frames.buffered).toBe(0)
    frames.push(wire(0, 1, 'b'))
    expect(frames.next()).toEqual(wire('b'))
  })

  it('refuses a length over the limit as soon as it is there, and everything after it', () => {
    const frames = splitter(4, 16)
    frames.push(wire(0, 0, 0, 16, 'x'.repeat(16)))
    expect(frames.next()).toHaveLength(16)
    frames.push(wire(0xff, 0xff, 0xff))
    expect(frames.next()).toBeUndefined()
    frames.push(wire(0xff))
    const tooLarge = expect.objectContaining({ length: 0xffff_ffff, limit: 16 })
    expect(() => frames.next()).toThrow(FrameTooLargeError)
    expect(() => frames.next()).toThrow(tooLarge)
    frames.push(wire('y'.repeat(1000)))
    expect(() => frames.next()).toThrow(tooLarge)
    expect(frames.buffered).toBe(4)
  })
})

describe('encodeFrame', () => {
  it('puts the length before the parts without copying them', () => {
    const payload = new Uint8Array(100)
    const [header, ...parts] = encodeFrame([wire('a'), payload], 4)
    expect(header).toEqual(wire(0, 0, 0, 101))
    expect(parts[1]).toBe(payload)
  })

  it('refuses what two bytes cannot count', () => {
    expect(frameHeader(0xffff, 2)).toEqual(wire(0xff, 0xff))
    expect(() => frameHeader(0x1_0000, 2)).toThrow(FrameTooLargeError)
    expect(() => frameHeader(2 ** 32, 4)).toThrow(FrameTooLargeError)
  })
})
