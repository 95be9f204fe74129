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
    this.written.push(Buffer.from(chunk).subarray(0, 2).toString())
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
})
