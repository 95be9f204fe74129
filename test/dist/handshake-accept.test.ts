import { describe, expect, it } from 'vitest'
import { AcceptHandshake, type AcceptHandshakeOptions } from '../../src/dist/accept-handshake.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { flag, MANDATORY_25 } from '../../src/dist/flags.ts'
import {
  AlreadyConnectedError,
  HandshakeClosedError,
  HandshakeProtocolError,
  MissingFlagsError,
  OldHandshakeError,
  PeerRefusedError,
  WrongCookieError,
} from '../../src/dist/handshake-errors.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { uint32, uint64, wire } from './wire.ts'

/** What this side advertised when the handshakes were recorded. */
const RECORDED_FLAGS = 0x5_074f_4fbcn

const OTP_29_FLAGS = 0x6d_07df_7fbdn

/** As an OTP 29.1 node sent it. */
const name = wire(
  'N',
  uint64(OTP_29_FLAGS), // Flags
  uint32(0xf805_a748), // Creation
  ...[0, 11, 'c@127.0.0.1'], // Nlen, Name
)
const reply = wire(
  'r',
  uint32(0x32f4_961d), // Challenge
  hex('407c1cd1b79e17da727b22a5313752f6'), // Digest
)
const notAllowed = Buffer.from('snot_allowed')

function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

function accept(options: Partial<AcceptHandshakeOptions> = {}): AcceptHandshake {
  return new AcceptHandshake({
    self: { name: parseNodeName('fake@127.0.0.1'), creation: 7, flags: RECORDED_FLAGS },
    cookie: new Cookie('secret'),
    challenge: 0x8e83_9639,
    ...options,
  })
}

/** One that knows the peer's name and waits for `answer`. */
function introduced(message: Uint8Array = name): AcceptHandshake {
  const handshake = accept()
  expect(handshake.receive(message).type).toBe('introduced')
  return handshake
}

/** One that has sent the challenge. */
function challenging(): AcceptHandshake {
  const handshake = introduced()
  expect(handshake.answer('ok').type).toBe('continue')
  return handshake
}

describe('a handshake that is accepted', () => {
  it('is the one that an OTP 29.1 node took part in', () => {
    const handshake = accept()
    expect(handshake.receive(name)).toEqual({
      type: 'introduced',
      send: [],
      introduction: {
        name: parseNodeName('c@127.0.0.1'),
        host: '127.0.0.1',
        creation: 0xf805_a748,
        advertisedFlags: OTP_29_FLAGS,
      },
    })
    expect(handshake.answer('ok')).toEqual({
      type: 'continue',
      send: [
        Buffer.from('sok'),
        Buffer.from(
          wire(
            'N',
            uint64(0x5_074f_4fbcn), // Flags
            uint32(0x8e83_9639), // Challenge
            uint32(7), // Creation
            ...[0, 14, 'fake@127.0.0.1'], // Nlen, Name
          ),
        ),
      ],
    })
    expect(handshake.receive(reply)).toEqual({
      type: 'done',
      send: [Buffer.from(wire('a', hex('c01d5233e6570507bce4d1257e46226a')))],
      connected: {
        peer: {
          name: parseNodeName('c@127.0.0.1'),
          creation: 0xf805_a748,
          advertisedFlags: OTP_29_FLAGS,
        },
        self: { name: parseNodeName('fake@127.0.0.1'), creation: 7, flags: RECORDED_FLAGS },
        flags: RECORDED_FLAGS,
      },
    })
  })

  it('gives a name to an OTP 29.1 node that asks for one', () => {
    const handshake = accept({ challenge: 0xbfdf_2890 })
    const step = handshake.receive(
      wire(
        'N',
        uint64(0x6f_07df_7fbcn), // Flags, NAME_ME among them
        uint32(0), // Creation
        ...[0, 9, '127.0.0.1'], // Nlen, the host alone
      ),
    )
    expect(step).toMatchObject({ introduction: { name: undefined, host: '127.0.0.1' } })

    const given = { named: parseNodeName('given@127.0.0.1'), creation: 0xab_cdef }
    expect(handshake.answer(given).send).toEqual([
      Buffer.from(
        wire(
          ...['s', 'named:'], // Status
          ...[0, 15, 'given@127.0.0.1'], // Nlen, Name
          uint32(0xab_cdef), // Creation
        ),
      ),
      Buffer.from(
        wire(
          'N',
          uint64(0x7_074f_4fbcn), // Flags, NAME_ME as an echo
          uint32(0xbfdf_2890), // Challenge
          uint32(7), // Creation
          ...[0, 14, 'fake@127.0.0.1'], // Nlen, Name
        ),
      ),
    ])
    const answer = wire('r', uint32(0x831f_9a6f), hex('d23c20ba13c4347dc8f21c23e509a63e'))
    expect(handshake.receive(answer)).toMatchObject({
      type: 'done',
      send: [Buffer.from(wire('a', hex('4274a03a4333662d691d4430c1cc1cef')))],
      connected: { peer: { name: given.named, creation: 0xab_cdef } },
    })
  })

  it('ignores what a later release may put behind the name', () => {
    introduced(wire(name, 1, 2, 3))
  })

  it('goes on after ok_simultaneous', () => {
    const handshake = introduced()
    expect(handshake.answer('ok_simultaneous').send[0]).toEqual(Buffer.from('sok_simultaneous'))
    expect(handshake.receive(reply).type).toBe('done')
  })

  it('goes on after alive when the peer says true', () => {
    const handshake = introduced()
    expect(handshake.answer('alive')).toEqual({ type: 'continue', send: [Buffer.from('salive')] })
    const step = handshake.receive(wire('s', 'true'))
    expect(step).toMatchObject({ type: 'continue' })
    expect(step.send).toHaveLength(1)
    expect(handshake.receive(reply).type).toBe('done')
  })
})

describe('a peer that is refused', () => {
  it.each(['nok', 'not_allowed'] as const)('by the caller hears %s', (status) => {
    const step = introduced().answer(status)
    expect(step).toMatchObject({ type: 'failed', send: [Buffer.from(`s${status}`)] })
    expect(step).toHaveProperty('error', expect.any(PeerRefusedError))
    expect(step).toHaveProperty('error.status', status)
    expect(step).toHaveProperty('error.node', 'c@127.0.0.1')
  })

  it('without a name can be refused as well', () => {
    const nameless = wire('N', uint64(OTP_29_FLAGS | flag.NAME_ME), uint32(0), 0, 1, 'h')
    const step = introduced(nameless).answer('not_allowed')
    expect(step).toHaveProperty(
      'error.message',
      'a node on h was refused with the status not_allowed',
    )
  })

  it('for its flags hears not_allowed, and the flags are named here', () => {
    const flags = MANDATORY_25 & ~flag.UTF8_ATOMS
    const step = accept().receive(wire('N', uint64(flags), uint32(1), 0, 3, 'a@h'))
    expect(step).toMatchObject({ type: 'failed', send: [notAllowed] })
    expect(step).toHaveProperty('error', expect.any(MissingFlagsError))
    expect(step).toHaveProperty('error.flags', ['UTF8_ATOMS'])
    expect(step).toHaveProperty('error.lackedBy', 'peer')
  })

  it('gave up after alive', () => {
    const handshake = introduced()
    handshake.answer('alive')
    expect(handshake.receive(wire('s', 'false'))).toHaveProperty(
      'error',
      expect.any(AlreadyConnectedError),
    )
  })

  it('has another cookie', () => {
    // As an OTP 29.1 node answered the challenge 16#37aa6c79, its cookie being secret.
    const handshake = accept({ cookie: new Cookie('other'), challenge: 0x37aa_6c79 })
    handshake.receive(name)
    handshake.answer('ok')
    const step = handshake.receive(
      wire('r', uint32(0x4285_9740), hex('53b04a824e8ca84f27f7bbdf017624d1')),
    )
    expect(step).toMatchObject({ type: 'failed', send: [] })
    expect(step).toHaveProperty('error', expect.any(WrongCookieError))
    expect(step).toHaveProperty('error.rejectedBy', 'us')
    expect(step).toHaveProperty('error.node', 'c@127.0.0.1')
  })

  it('of OTP 23 that does not know our version begins with the old handshake', () => {
    const step = accept().receive(
      wire(
        'n',
        ...[0, 5], // Version
        uint32(0x01df_7fbd), // Flags
        'c@127.0.0.1', // Name, up to the end
      ),
    )
    expect(step).toMatchObject({ type: 'failed', send: [notAllowed] })
    expect(step).toHaveProperty('error', expect.any(OldHandshakeError))
    expect(step).toHaveProperty('error.node', 'c@127.0.0.1')
    expect(step).toHaveProperty('error.code', 'ERR_DIST_OLD_HANDSHAKE')
  })

  it('of version 5 without a name that could be shown is refused all the same', () => {
    const step = accept().receive(wire('n', 0, 5))
    expect(step).toHaveProperty('error.node', undefined)
    expect(step).toHaveProperty('error.code', 'ERR_DIST_OLD_HANDSHAKE')
  })
})

describe('a connection that the peer closes', () => {
  it.each([
    ['before its name', accept, 'send_name', undefined],
    ['before it was answered', introduced, 'send_name', 'c@127.0.0.1'],
    ['after our challenge', challenging, 'send_challenge_reply', 'c@127.0.0.1'],
  ])('%s', (_, make, due, node) => {
    const error = make().end()
    expect(error).toBeInstanceOf(HandshakeClosedError)
    expect(error).toMatchObject({ due, node })
  })

  it('after alive', () => {
    const handshake = introduced()
    handshake.answer('alive')
    expect(handshake.end()).toMatchObject({ due: 'send_status', node: 'c@127.0.0.1' })
  })
})

describe('what is no message of the handshake', () => {
  function aliveAsked(): AcceptHandshake {
    const handshake = introduced()
    handshake.answer('alive')
    return handshake
  }

  it.each([
    ['nothing', accept, wire()],
    ['HTTP', accept, wire('GET / HTTP/1.1\r\n')],
    ['a name that is cut short', accept, name.subarray(0, -1)],
    ['a name that is none', accept, wire('N', uint64(OTP_29_FLAGS), uint32(1), 0, 1, 'h')],
    ['a host that is none', accept, wire('N', uint64(flag.NAME_ME), uint32(1), 0, 0)],
    ['a message while the caller thinks', introduced, reply],
    ['another answer to alive', aliveAsked, wire('s', 'ok')],
    ['an answer to alive of another tag', aliveAsked, reply],
    ['a digest that is too short', challenging, reply.subarray(0, -1)],
    ['a digest that is too long', challenging, wire(reply, 0)],
  ])('is rejected: %s', (_, make, message) => {
    const step = make().receive(message)
    expect(step).toMatchObject({ type: 'failed', send: [] })
    expect(step).toHaveProperty('error', expect.any(HandshakeProtocolError))
  })
})

describe('answer', () => {
  it('needs somebody to answer', () => {
    expect(() => accept().answer('ok')).toThrow(RangeError)
    expect(() => challenging().answer('ok')).toThrow(RangeError)
  })

  it('names only a node that asked for it, and each that did', () => {
    const named = { named: parseNodeName('x@h'), creation: 1 }
    expect(() => introduced().answer(named)).toThrow(RangeError)
    const nameless = wire('N', uint64(OTP_29_FLAGS | flag.NAME_ME), uint32(0), 0, 1, 'h')
    expect(() => introduced(nameless).answer('ok')).toThrow(RangeError)
  })
})
