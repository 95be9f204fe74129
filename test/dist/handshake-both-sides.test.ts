import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AcceptHandshake, type AcceptStep } from '../../src/dist/accept-handshake.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { expandFlags, flag, MANDATORY_25, missingFlags } from '../../src/dist/flags.ts'
import { Handshake, type HandshakeStep, type LocalNode } from '../../src/dist/handshake.ts'
import {
  HandshakeError,
  MissingFlagsError,
  PeerNotAuthenticatedError,
  WrongCookieError,
} from '../../src/dist/handshake-errors.ts'
import type { HandshakeStatus } from '../../src/dist/handshake-messages.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'

const uint32 = fc.nat({ max: 0xffff_ffff })
const anyFlags = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const part = fc.stringMatching(/^[0-9A-Za-z_-]{1,20}$/)
const nodeName = fc.tuple(part, part).map((it) => parseNodeName(it.join('@')))
const cookie = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 255 })

function node(flags: fc.Arbitrary<bigint>): fc.Arbitrary<LocalNode> {
  return fc.record({ name: nodeName, creation: uint32, flags })
}

interface Outcome {
  readonly dialler: HandshakeStep | undefined
  readonly acceptor: AcceptStep | undefined
}

/** Plays both sides until neither has anything to say; the last step of each. */
function play(dialling: Handshake, accepting: AcceptHandshake, status: HandshakeStatus): Outcome {
  let dialler: HandshakeStep | undefined
  let acceptor: AcceptStep | undefined
  const toAcceptor: Uint8Array[] = [dialling.start()]
  const toDialler: Uint8Array[] = []
  while (true) {
    const forAcceptor = toAcceptor.shift()
    if (forAcceptor !== undefined) {
      acceptor = accepting.receive(forAcceptor)
      toDialler.push(...acceptor.send)
      if (acceptor.type === 'introduced') {
        acceptor = accepting.answer(status)
        toDialler.push(...acceptor.send)
      }
      continue
    }
    const forDialler = toDialler.shift()
    if (forDialler === undefined) return { dialler, acceptor }
    dialler = dialling.receive(forDialler)
    toAcceptor.push(...dialler.send)
  }
}

function errorOf(step: AcceptStep | undefined): HandshakeError | undefined {
  return step?.type === 'failed' ? step.error : undefined
}

describe('both sides of a handshake', () => {
  const enough = anyFlags.map((it) => (it | MANDATORY_25) & ~flag.NAME_ME)

  it('agree on who they are and on the flags in force, whatever flags they have', () => {
    const status = fc.constantFrom('ok' as const, 'ok_simultaneous' as const, 'alive' as const)
    fc.assert(
      fc.property(node(enough), node(enough), cookie, status, (a, b, secret, answer) => {
        const { dialler, acceptor } = play(
          new Handshake({ self: a, peer: b.name, cookie: new Cookie(secret) }),
          new AcceptHandshake({ self: b, cookie: new Cookie(secret) }),
          answer,
        )
        if (dialler?.type !== 'done' || acceptor?.type !== 'done') throw new Error('not done')
        expect(dialler.connected.flags).toBe(expandFlags(a.flags) & expandFlags(b.flags))
        expect(acceptor.connected.flags).toBe(dialler.connected.flags)
        expect(dialler.connected.peer).toEqual({
          name: b.name,
          creation: b.creation,
          advertisedFlags: b.flags,
        })
        expect(acceptor.connected.peer).toEqual({
          name: a.name,
          creation: a.creation,
          advertisedFlags: a.flags,
        })
      }),
    )
  })

  it('agree on a name that one gives the other', () => {
    const asking = enough.map((it) => it | flag.NAME_ME)
    fc.assert(
      fc.property(node(asking), node(enough), part, uint32, (a, b, alive, creation) => {
        const named = parseNodeName(`${alive}@${a.name.host}`)
        const { dialler, acceptor } = play(
          new Handshake({ self: a, peer: b.name, cookie: new Cookie('c') }),
          new AcceptHandshake({ self: b, cookie: new Cookie('c') }),
          { named, creation },
        )
        expect(dialler).toMatchObject({
          type: 'done',
          connected: { self: { name: named, creation } },
        })
        expect(acceptor).toMatchObject({
          type: 'done',
          connected: { peer: { name: named, creation } },
        })
      }),
    )
  })

  it('fail by the flags that either lacks, and then name them', () => {
    const some = anyFlags.map((it) => it & ~flag.NAME_ME & ~flag.MANDATORY_25_DIGEST)
    fc.assert(
      fc.property(node(some), node(some), (a, b) => {
        const { dialler, acceptor } = play(
          new Handshake({ self: a, peer: b.name, cookie: new Cookie('c') }),
          new AcceptHandshake({ self: b, cookie: new Cookie('c') }),
          'ok',
        )
        const error = errorOf(dialler)
        if (missingFlags(MANDATORY_25, a.flags) !== 0n) {
          expect(errorOf(acceptor)).toBeInstanceOf(MissingFlagsError)
          expect(error).toMatchObject({ lackedBy: 'us' })
        } else if (missingFlags(MANDATORY_25, b.flags) !== 0n) {
          expect(error).toBeInstanceOf(MissingFlagsError)
          expect(error).toMatchObject({ lackedBy: 'peer' })
        } else {
          expect(dialler?.type).toBe('done')
        }
      }),
    )
  })

  it('fail by two cookies, which only the acceptor can see', () => {
    fc.assert(
      fc.property(node(enough), node(enough), cookie, cookie, (a, b, ours, theirs) => {
        fc.pre(ours !== theirs)
        const dialling = new Handshake({ self: a, peer: b.name, cookie: new Cookie(ours) })
        const accepting = new AcceptHandshake({ self: b, cookie: new Cookie(theirs) })
        const { dialler, acceptor } = play(dialling, accepting, 'ok')
        expect(errorOf(acceptor)).toBeInstanceOf(WrongCookieError)
        expect(dialler?.type).toBe('continue')
        expect(dialling.end()).toBeInstanceOf(WrongCookieError)
      }),
    )
  })

  it('do not let an impostor echo our own digest', () => {
    const a = { name: parseNodeName('a@h'), creation: 1, flags: MANDATORY_25 }
    const dialling = new Handshake({ self: a, peer: parseNodeName('b@h'), cookie: new Cookie('c') })
    dialling.start()
    dialling.receive(Buffer.from('sok'))
    const challenge = Buffer.from(`N${'\0'.repeat(16)}\0\x03b@h`, 'latin1')
    challenge.writeBigUInt64BE(MANDATORY_25, 1)
    const [reply] = dialling.receive(challenge).send
    const echo = Buffer.concat([Buffer.from('a'), reply?.subarray(5) ?? Buffer.alloc(0)])
    expect(errorOf(dialling.receive(echo))).toBeInstanceOf(PeerNotAuthenticatedError)
  })
})

describe('hostile input', () => {
  const self = { name: parseNodeName('a@h'), creation: 1, flags: MANDATORY_25 }
  const other = parseNodeName('b@h')
  const secret = new Cookie('c')

  function dialled(): Handshake {
    return new Handshake({ self, peer: other, cookie: secret, challenge: 1 })
  }

  function accepting(): AcceptHandshake {
    return new AcceptHandshake({ self: { ...self, name: other }, cookie: secret, challenge: 2 })
  }

  /** The messages of one handshake that succeeds, by the side that receives them. */
  function recorded(): { readonly toDialler: Uint8Array[]; readonly toAcceptor: Uint8Array[] } {
    const dialling = dialled()
    const accept = accepting()
    const name = dialling.start()
    accept.receive(name)
    const [status = name, challenge = name] = accept.answer('ok').send
    dialling.receive(status)
    const [reply = name] = dialling.receive(challenge).send
    const [ack = name] = accept.receive(reply).send
    expect(dialling.receive(ack).type).toBe('done')
    return { toDialler: [status, challenge, ack], toAcceptor: [name, reply] }
  }

  const { toDialler, toAcceptor } = recorded()
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    // What begins as it should gets further.
    fc
      .tuple(fc.constantFrom(...'Nnsra'), fc.uint8Array({ maxLength: 64 }))
      .map(([tag, rest]) => Buffer.concat([Buffer.from(tag), rest])),
  )

  it('fails every message that is cut short, in an orderly way', () => {
    toDialler.forEach((message, index) => {
      for (let size = 0; size < message.length; size++) {
        const handshake = dialled()
        handshake.start()
        for (const before of toDialler.slice(0, index)) handshake.receive(before)
        const step = handshake.receive(message.subarray(0, size))
        expect(step.type).toBe('failed')
        expect(errorOf(step)).toBeInstanceOf(HandshakeError)
      }
    })
    toAcceptor.forEach((message, index) => {
      for (let size = 0; size < message.length; size++) {
        const handshake = accepting()
        for (const before of toAcceptor.slice(0, index)) {
          if (handshake.receive(before).type === 'introduced') handshake.answer('ok')
        }
        const step = handshake.receive(message.subarray(0, size))
        expect(step.type).toBe('failed')
        expect(errorOf(step)).toBeInstanceOf(HandshakeError)
      }
    })
  })

  it('gets no connection by random messages, and throws nothing, on either side', () => {
    fc.assert(
      fc.property(fc.nat(2), fc.array(garbage, { maxLength: 4 }), (good, messages) => {
        const dialling = dialled()
        dialling.start()
        for (const message of [...toDialler.slice(0, good), ...messages]) {
          expect(dialling.receive(message).type).not.toBe('done')
        }
        const accept = accepting()
        for (const message of [...toAcceptor.slice(0, good % 2), ...messages]) {
          const step = accept.receive(message)
          expect(step.type).not.toBe('done')
          if (step.type === 'introduced') {
            accept.answer(step.introduction.name === undefined ? 'not_allowed' : 'alive')
          }
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('fails or succeeds by one changed byte, and throws nothing', () => {
    const places = toDialler.flatMap((message, index) =>
      Array.from(message, (_, at) => ({ index, at })),
    )
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const handshake = dialled()
        handshake.start()
        toDialler.forEach((message, index) => {
          const changed = Uint8Array.from(message)
          if (index === place.index) changed[place.at] = (changed[place.at] ?? 0) ^ change
          const step = handshake.receive(changed)
          if (step.type === 'failed') expect(step.error).toBeInstanceOf(HandshakeError)
        })
      }),
      { numRuns: 1000 },
    )
  })
})
