import { describe, expect, test } from 'vitest'
import type { Transport } from '../../src/net/transport.ts'
import { Outbox } from '../../src/node/outbox.ts'

/** A transport whose peer reads when the test says so. */
class SlowTransport implements Transport {
  readonly remote = 'nowhere:0'
  readonly written: string[] = []
  queued = 0
  start(): void {}
  write(chunk: Uint8Array): void {
    this.written.push(Buffer.from(chunk).subarray(0, 2).toString('latin1'))
    this.queued += chunk.length
  }
  cork(): void {}
  uncork(): void {}
  close(): void {}
  destroy(): void {}
  ref(): void {}
  unref(): void {}
}

const KiB = 1024

/** A message of so many frames of 256 KiB, `name` and its number in front of each. */
function message(name: string, frames: number) {
  const chunks = Array.from({ length: frames }, (_, index) => [
    Buffer.alloc(256 * KiB, `${name}${index}`),
  ])
  return { size: frames * 256 * KiB, frames: chunks }
}

describe('an outbox', () => {
  test('hands a large message over only as the peer takes it', () => {
    const transport = new SlowTransport()
    const outbox = new Outbox(transport)
    outbox.send(message('a', 10))
    // A MiB waits; the rest stays here.
    expect(transport.written).toEqual(['a0', 'a1', 'a2', 'a3'])
    expect(outbox.queued).toBe(10 * 256 * KiB)
    transport.queued = 0
    outbox.resume()
    expect(transport.written).toHaveLength(8)
    transport.queued = 0
    outbox.resume()
    expect(transport.written).toHaveLength(10)
    transport.queued = 0
    expect(outbox.queued).toBe(0)
  })

  test('lets a small message pass between the fragments of a large one', () => {
    const transport = new SlowTransport()
    const outbox = new Outbox(transport)
    outbox.send(message('a', 10))
    outbox.send({ size: 2, frames: [[Buffer.from('s!')]] })
    transport.queued = 0
    outbox.resume()
    expect(transport.written.indexOf('s!')).toBe(4)
    expect(transport.written.slice(5)).toEqual(['a4', 'a5', 'a6', 'a7'])
  })

  test('keeps nothing of what it has handed over whole, however much waits', () => {
    const transport = new SlowTransport()
    const outbox = new Outbox(transport)
    transport.queued = 8 * 1024 * KiB
    let asked = 0
    for (let i = 0; i < 1_000; i++) {
      const frames = {
        *[Symbol.iterator]() {
          yield [Buffer.from('s!')]
          asked++
        },
      }
      outbox.send({ size: 2, frames })
    }
    // Each was gone through to its end when it was sent: none waits for its turn.
    expect(asked).toBe(1_000)
    expect(transport.written).toHaveLength(1_000)
    expect(outbox.queued).toBe(transport.queued)
  })

  test('gives large messages their fragments in turn', () => {
    const transport = new SlowTransport()
    const outbox = new Outbox(transport)
    outbox.send(message('a', 4))
    outbox.send(message('b', 3))
    for (let turn = 0; turn < 3; turn++) {
      transport.queued = 0
      outbox.resume()
    }
    const rest = transport.written.slice(5)
    expect(transport.written.slice(0, 5)).toEqual(['a0', 'a1', 'a2', 'a3', 'b0'])
    expect(rest).toEqual(['b1', 'b2'])
  })

  test('hands over all that is left when it is flushed', () => {
    const transport = new SlowTransport()
    const outbox = new Outbox(transport)
    outbox.send(message('a', 10))
    outbox.flush()
    expect(transport.written).toHaveLength(10)
    expect(outbox.queued).toBe(transport.queued)
  })

  test('lets go of all that is left when it is dropped', () => {
    const transport = new SlowTransport()
    const outbox = new Outbox(transport)
    const sender = {}
    outbox.send(message('a', 10), sender)
    outbox.send(message('b', 10), sender)
    outbox.drop()
    expect(outbox.queued).toBe(transport.queued)
    transport.queued = 0
    outbox.resume()
    outbox.flush()
    expect(transport.written).toEqual(['a0', 'a1', 'a2', 'a3'])
  })

  describe('of a sender', () => {
    const [one, two] = [{}, {}]

    /** Lets the peer read, until nothing waits any more. */
    function drain(outbox: Outbox, transport: SlowTransport): void {
      while (outbox.queued > 0) {
        transport.queued = 0
        outbox.resume()
      }
    }

    /** Frames of the messages with these names, in the order in which they left. */
    const of = (transport: SlowTransport, names: string) =>
      transport.written.filter((it) => names.includes(it.charAt(0)))

    test('sends nothing before what was sent earlier, however small it is', () => {
      const transport = new SlowTransport()
      const outbox = new Outbox(transport)
      outbox.send(message('a', 6), one)
      outbox.send(message('b', 1), one)
      outbox.send(message('c', 3), one)
      outbox.send(message('d', 1), one)
      expect(outbox.queued).toBe(11 * 256 * KiB)
      drain(outbox, transport)
      expect(transport.written).toEqual([
        ...['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'b0', 'c0', 'c1', 'c2', 'd0'],
      ])
    })

    test('lets those of others pass meanwhile', () => {
      const transport = new SlowTransport()
      const outbox = new Outbox(transport)
      outbox.send(message('a', 8), one)
      outbox.send(message('b', 2), one)
      outbox.send(message('x', 2), two)
      outbox.send(message('y', 1), two)
      outbox.send(message('s', 1))
      drain(outbox, transport)
      const at = (frame: string) => transport.written.indexOf(frame)
      expect(at('s0')).toBeLessThan(at('a5'))
      expect(at('y0')).toBeLessThan(at('a7'))
      expect(of(transport, 'ab').slice(-2)).toEqual(['b0', 'b1'])
      expect(of(transport, 'xy')).toEqual(['x0', 'x1', 'y0'])
    })

    test('is free again when all of it has left', () => {
      const transport = new SlowTransport()
      const outbox = new Outbox(transport)
      outbox.send(message('a', 6), one)
      outbox.send(message('b', 6), one)
      drain(outbox, transport)
      outbox.send(message('x', 6))
      outbox.send(message('c', 1), one)
      expect(transport.written.at(-1)).toBe('c0')
    })

    test('keeps its order when all is flushed while messages wait', () => {
      const transport = new SlowTransport()
      const outbox = new Outbox(transport)
      outbox.send(message('a', 6), one)
      outbox.send(message('x', 5), two)
      outbox.send(message('b', 2), one)
      outbox.send(message('y', 1), two)
      outbox.send(message('c', 3), one)
      outbox.flush()
      expect(transport.written).toHaveLength(17)
      expect(outbox.queued).toBe(transport.queued)
      expect(of(transport, 'abc')).toEqual([
        ...['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'b0', 'b1', 'c0', 'c1', 'c2'],
      ])
      expect(of(transport, 'xy')).toEqual(['x0', 'x1', 'x2', 'x3', 'x4', 'y0'])
    })

    test('keeps its order whatever is sent when, and whenever the peer reads', () => {
      const random = seeded(7)
      const transport = new SlowTransport()
      const outbox = new Outbox(transport)
      const senders = ['a', 'b', 'c'].map((name) => ({ name, sent: 0 }))
      for (let step = 0; step < 600; step++) {
        const sender = senders[random(3)]
        if (sender === undefined) continue
        const number = sender.sent++
        const frames = Array.from({ length: 1 + random(5) }, () => [
          Buffer.concat([
            Buffer.from([sender.name.charCodeAt(0), number]),
            zeros(random(300) * KiB),
          ]),
        ])
        const size = frames.flat().reduce((sum, { length }) => sum + length, 0)
        outbox.send({ size, frames }, sender)
        if (random(3) > 0) continue
        transport.queued = 0
        outbox.resume()
      }
      outbox.flush()
      expect(outbox.queued).toBe(transport.queued)
      for (const { name, sent } of senders) {
        const numbers = of(transport, name).map((it) => it.charCodeAt(1))
        expect(new Set(numbers).size).toBe(sent)
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      }
    })
  })
})

const zeros = (length: number): Buffer => Buffer.alloc(length)

/** Numbers below a bound, the same in every run: a linear congruential generator. */
function seeded(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}
