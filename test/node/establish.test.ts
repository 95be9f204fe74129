/** From a transport to a connection, over transports of which the test holds the other end. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { CLIENT_FLAGS } from '../../src/dist/flags.ts'
import { encodeFrame, FrameSplitter } from '../../src/dist/frames.ts'
import { Handshake } from '../../src/dist/handshake.ts'
import type { HandshakeStatus } from '../../src/dist/handshake-messages.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { atom } from '../../src/etf/index.ts'
import type { Receiver, Transport } from '../../src/net/transport.ts'
import type { Connection, MessageReceiver } from '../../src/node/connection.ts'
import { accept, initiate } from '../../src/node/establish.ts'
import { Identity } from '../../src/node/identity.ts'

const COOKIE = new Cookie('secret')
const OURS = parseNodeName('m@127.0.0.1')
const PEER = parseNodeName('z@127.0.0.1')

/** One end of a stream; `write` on one is `data` on the other, whole or in pieces. */
class Pipe implements Transport {
  readonly remote = 'pipe:1'
  readonly queued = 0
  readonly #pieces: number
  #other: Pipe | undefined
  #receiver: Receiver | undefined
  #early: Uint8Array[] = []
  isClosed = false

  constructor(pieces: number) {
    this.#pieces = pieces
  }

  static pair(pieces = Number.POSITIVE_INFINITY): readonly [Pipe, Pipe] {
    const [one, two] = [new Pipe(pieces), new Pipe(pieces)]
    one.#other = two
    two.#other = one
    return [one, two]
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver
    for (const chunk of this.#early.splice(0)) this.take(chunk)
  }

  write(chunk: Uint8Array): void {
    const copy = Uint8Array.from(chunk)
    const other = this.#other
    queueMicrotask(() => other?.take(copy))
  }

  take(chunk: Uint8Array): void {
    if (this.#receiver === undefined) this.#early.push(chunk)
    else if (this.#pieces >= chunk.length) this.#receiver.data(chunk)
    else {
      this.#receiver.data(chunk.slice(0, this.#pieces))
      this.take(chunk.slice(this.#pieces))
    }
  }

  close(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.isClosed) return
    this.isClosed = true
    queueMicrotask(() => {
      this.#receiver?.end(undefined)
      this.#other?.destroy()
    })
  }

  cork(): void {}
  uncork(): void {}
  ref(): void {}
  unref(): void {}
}

class Silent implements MessageReceiver {
  connection: Connection | undefined
  ends = 0
  messages = 0

  open(connection: Connection): void {
    this.connection = connection
    onTestFinished(() => connection.abort(new Error('over')))
  }

  message(): void {
    this.messages++
  }

  end(): void {
    this.ends++
  }
}

const ours = { self: { name: OURS, creation: 1 }, cookie: COOKIE }
const theirs = { self: { name: PEER, creation: 2 }, cookie: COOKIE }
const admit = (): HandshakeStatus => 'ok'

describe('a connection', () => {
  it.each([
    ['whole', Number.POSITIVE_INFINITY],
    ['byte by byte', 1],
    ['in threes', 3],
  ])(
    'comes about from messages that come %s, with lengths of 2 and of 4 bytes',
    async (_, pieces) => {
      for (const handshakeHeaderSize of [2, 4] as const) {
        const [here, there] = Pipe.pair(pieces)
        const [one, two] = [new Silent(), new Silent()]
        const [connection, other] = await Promise.all([
          initiate(here, one, { ...ours, peer: PEER, handshakeHeaderSize }),
          accept(there, two, { ...theirs, admit, handshakeHeaderSize }),
        ])
        expect(one.connection).toBe(connection)
        expect(two.connection).toBe(other)
        expect(connection.connected.peer.creation).toBe(2)
        expect(other.connected.peer.name.full).toBe(OURS.full)
        connection.send({ type: 'reg_send', fromPid: new Identity(OURS).pid, toName: atom('x') }, 1)
        await expect.poll(() => two.messages).toBe(1)
      }
    },
  )

  it('does not come about when the two disagree on the size of lengths', async () => {
    const [here, there] = Pipe.pair()
    const failures = await Promise.allSettled([
      initiate(here, new Silent(), { ...ours, peer: PEER, timeout: 200 }),
      accept(there, new Silent(), { ...theirs, admit, handshakeHeaderSize: 4, timeout: 200 }),
    ])
    expect(failures.map((it) => it.status)).toEqual(['rejected', 'rejected'])
    expect([here.isClosed, there.isClosed]).toEqual([true, true])
  })

  it('takes what comes in one piece with the last message of the handshake', async () => {
    const [here, there] = Pipe.pair()
    const receiver = new Silent()
    const accepting = accept(there, receiver, { ...theirs, admit })
    const handshake = new Handshake({
      self: { name: OURS, creation: 1, flags: CLIENT_FLAGS },
      peer: PEER,
      cookie: COOKIE,
    })
    const splitter = new FrameSplitter({ headerSize: 2, maxLength: 4096 })
    const tick = [0, 0, 0, 0]
    here.start({
      data(chunk) {
        splitter.push(chunk)
        for (let it = splitter.next(); it !== undefined; it = splitter.next()) {
          const [reply] = handshake.receive(it).send
          if (reply === undefined) continue
          here.write(Buffer.concat([...encodeFrame([reply], 2), Uint8Array.from(tick)]))
          return
        }
      },
      end() {},
    })
    for (const chunk of encodeFrame([handshake.start()], 2)) here.write(chunk)
    const connection = await accepting
    expect(connection.counters.ticksReceived).toBe(1)
  })

  it('is given up after its time, or by a signal, and the stream is closed', async () => {
    const reason = new Error('enough')
    for (const begin of [
      (waiting: object) => {
        const [here] = Pipe.pair()
        return { here, done: initiate(here, new Silent(), { ...ours, peer: PEER, ...waiting }) }
      },
      (waiting: object) => {
        const [here] = Pipe.pair()
        return { here, done: accept(here, new Silent(), { ...theirs, admit, ...waiting }) }
      },
    ]) {
      const late = begin({ timeout: 10 })
      await expect(late.done).rejects.toMatchObject({
        code: 'ERR_TIMEOUT',
        hint: expect.stringMatching(/says nothing: .*suspended.*; allow more with --timeout/),
      })
      expect(late.here.isClosed).toBe(true)
      const controller = new AbortController()
      const called = begin({ signal: controller.signal })
      controller.abort(reason)
      await expect(called.done).rejects.toBe(reason)
      expect(called.here.isClosed).toBe(true)
      const never = begin({ signal: AbortSignal.abort(reason) })
      await expect(never.done).rejects.toBe(reason)
      expect(never.here.isClosed).toBe(true)
    }
  })

  it('fails with what whoever admits throws', async () => {
    const [here, there] = Pipe.pair()
    const error = new Error('no')
    const accepting = accept(there, new Silent(), {
      ...theirs,
      admit: () => {
        throw error
      },
    })
    const initiating = initiate(here, new Silent(), { ...ours, peer: PEER })
    await expect(accepting).rejects.toBe(error)
    await expect(initiating).rejects.toMatchObject({ code: 'ERR_DIST_HANDSHAKE_CLOSED' })
  })

  it('takes no message longer than any of a handshake', async () => {
    const [here, there] = Pipe.pair()
    const accepting = accept(there, new Silent(), { ...theirs, admit })
    here.write(Uint8Array.of(0x10, 0x01)) // 4097
    await expect(accepting).rejects.toThrow(/4097|longer|4,?096/)
    expect(there.isClosed).toBe(true)
  })
})
