import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { flag, MANDATORY_25, MANDATORY_26 } from '../../src/dist/flags.ts'
import { Handshake, type HandshakeOptions } from '../../src/dist/handshake.ts'
import {
  AlreadyConnectedError,
  HandshakeClosedError,
  type HandshakeError,
  HandshakeProtocolError,
  MissingFlagsError,
  NoNameGivenError,
  NotAllowedError,
  PeerNotAuthenticatedError,
  WrongCookieError,
  WrongNodeNameError,
} from '../../src/dist/handshake-errors.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { uint32, uint64, wire } from './wire.ts'

/** What this side advertised when the handshakes were recorded. */
const RECORDED_FLAGS = 0x5_074f_4fbcn

const PEER = 'hs-29@127.0.0.1'
const SECRET = 'secret'

const ok = wire('s', 'ok')
const alive = wire('s', 'alive')

/** As an OTP 29.1 node answered it. */
const challenge = wire(
  'N',
  uint64(0x6d_07df_7fbdn), // Flags
  uint32(0xb4ae_095f), // Challenge
  uint32(0x6b02_dea8), // Creation
  ...[0, 15, PEER], // Nlen, Name
)
const ack = wire('a', hex('24d92202cd3724fb37808c885f4e2298'))

function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

function dial(options: Partial<HandshakeOptions> = {}): Handshake {
  return new Handshake({
    self: { name: parseNodeName('probe@127.0.0.1'), creation: 0x1122_3344, flags: RECORDED_FLAGS },
    peer: parseNodeName(PEER),
    cookie: new Cookie(SECRET),
    challenge: 0x0102_0304,
    ...options,
  })
}

function withFlags(flags: bigint): Pick<HandshakeOptions, 'self'> {
  return { self: { name: parseNodeName('probe@127.0.0.1'), creation: 1, flags } }
}

/** What `receive` answers to the last of these messages, once the ones before were fine. */
function lastStep(handshake: Handshake, ...messages: readonly Uint8Array[]) {
  handshake.start()
  const steps = messages.map((message) => handshake.receive(message))
  const last = steps.pop()
  if (last === undefined) throw new Error('no message')
  for (const step of steps) expect(step.type).toBe('continue')
  return last
}

function failure(handshake: Handshake, ...messages: readonly Uint8Array[]): HandshakeError {
  const step = lastStep(handshake, ...messages)
  if (step.type !== 'failed') throw new Error(`the handshake goes on with ${step.type}`)
  return step.error
}

describe('a handshake that succeeds', () => {
  it('is the one that an OTP 29.1 node took part in', () => {
    const handshake = dial()

    expect(handshake.start()).toEqual(
      Buffer.from(
        wire(
          'N',
          uint64(0x5_074f_4fbcn), // Flags
          uint32(0x1122_3344), // Creation
          ...[0, 15, 'probe@127.0.0.1'], // Nlen, Name
        ),
      ),
    )
    expect(handshake.status).toBeUndefined()
    expect(handshake.receive(ok)).toEqual({ type: 'continue', send: [] })
    expect(handshake.status).toBe('ok')
    expect(handshake.receive(challenge)).toEqual({
      type: 'continue',
      send: [
        Buffer.from(
          wire(
            'r',
            uint32(0x0102_0304), // Challenge
            hex('38434fdb70853f688e57100c86d31676'), // Digest
          ),
        ),
      ],
    })
    expect(handshake.receive(ack)).toEqual({
      type: 'done',
      send: [],
      connected: {
        peer: {
          name: parseNodeName(PEER),
          creation: 0x6b02_dea8,
          advertisedFlags: 0x6d_07df_7fbdn,
        },
        self: {
          name: parseNodeName('probe@127.0.0.1'),
          creation: 0x1122_3344,
          flags: RECORDED_FLAGS,
        },
        flags: RECORDED_FLAGS,
      },
    })
  })

  it('is the one that an OTP 23.2 node took part in, with fewer flags', () => {
    const handshake = dial({ peer: parseNodeName('hs-23@127.0.0.1') })
    const step = lastStep(
      handshake,
      ok,
      wire(
        'N',
        uint64(0x1_01df_7fbdn), // Flags
        uint32(0xc6d5_e6be), // Challenge
        uint32(0x6b02_de5e), // Creation
        ...[0, 15, 'hs-23@127.0.0.1'], // Nlen, Name
      ),
      ack,
    )
    expect(step).toMatchObject({ type: 'done', connected: { flags: 0x1_014f_4fbcn } })
  })

  it('goes on after ok_simultaneous', () => {
    const handshake = dial()
    expect(lastStep(handshake, wire('s', 'ok_simultaneous'), challenge, ack).type).toBe('done')
    expect(handshake.status).toBe('ok_simultaneous')
  })

  it('ignores what a later release may put behind the name', () => {
    expect(lastStep(dial(), ok, wire(challenge, 'more', 0), ack).type).toBe('done')
  })

  it('takes a new challenge each time', () => {
    const replies = [1, 2, 3].map(() => {
      const handshake = new Handshake({
        ...withFlags(RECORDED_FLAGS),
        peer: parseNodeName(PEER),
        cookie: new Cookie(SECRET),
      })
      const [reply] = lastStep(handshake, ok, challenge).send
      return Buffer.from(reply?.subarray(1, 5) ?? []).toString('hex')
    })
    expect(new Set(replies).size).toBe(3)
  })
})

describe('a node that asks for a name', () => {
  const self = {
    name: parseNodeName('undefined@127.0.0.1'),
    creation: 0x1122_3344,
    flags: RECORDED_FLAGS | flag.NAME_ME,
  }
  const named = wire(
    ...['s', 'named:'], // Status
    ...[0, 23, '18I2HFQM80MOM@127.0.0.1'], // Nlen, Name
    uint32(0x3769_f44b), // Creation
  )

  it('gets one from an OTP 29.1 node', () => {
    const handshake = dial({ self, challenge: 0x319c_ba34 })

    expect(handshake.start()).toEqual(
      Buffer.from(
        wire(
          'N',
          uint64(0x7_074f_4fbcn), // Flags
          uint32(0), // Creation
          ...[0, 9, '127.0.0.1'], // Nlen, the host alone
        ),
      ),
    )
    expect(handshake.receive(named)).toEqual({ type: 'continue', send: [] })
    handshake.receive(
      wire(
        'N',
        uint64(0x6f_07df_7fbcn), // Flags
        uint32(0x6924_b450), // Challenge
        uint32(0x6b02_dea8), // Creation
        ...[0, 15, PEER], // Nlen, Name
      ),
    )
    expect(handshake.receive(wire('a', hex('693f662430131d537b1575f582f25407')))).toMatchObject({
      type: 'done',
      connected: {
        self: { name: parseNodeName('18I2HFQM80MOM@127.0.0.1'), creation: 0x3769_f44b },
        flags: 0x7_074f_4fbcn,
      },
    })
  })

  it.each([
    ['a name on another host', wire('s', 'named:', 0, 3, 'x@h', uint32(1))],
    ['a name that is none', wire('s', 'named:', 0, 2, 'xh', uint32(1))],
    ['a name that is not UTF-8', wire('s', 'named:', 0, 4, 'x@', 0xff, 0xff, uint32(1))],
    ['a name that is cut short', wire('s', 'named:', 0, 23, 'x@127.0.0.1')],
    ['a status that is cut short', named.subarray(0, -1)],
  ])('rejects %s', (_, status) => {
    expect(failure(dial({ self }), status)).toBeInstanceOf(HandshakeProtocolError)
  })

  it('is told that it gets none, by a node that goes on without', () => {
    expect(failure(dial({ self }), ok)).toBeInstanceOf(NoNameGivenError)
  })

  it('is no node that has one', () => {
    expect(failure(dial(), named).message).toContain('a name that we did not ask for')
  })
})

describe('the answer to alive', () => {
  it('is true by default, and the handshake goes on', () => {
    const handshake = dial()
    handshake.start()
    expect(handshake.receive(alive)).toEqual({
      type: 'continue',
      send: [Buffer.from('strue')],
    })
    expect(handshake.receive(challenge).type).toBe('continue')
    expect(handshake.receive(ack).type).toBe('done')
  })

  it('is false for who yields, as the last word', () => {
    const step = lastStep(dial({ onAlive: 'yield' }), alive)
    expect(step).toMatchObject({ type: 'failed', send: [Buffer.from('sfalse')] })
    expect(step).toHaveProperty('error', expect.any(AlreadyConnectedError))
    expect(step).toHaveProperty('error.code', 'ERR_DIST_ALREADY_CONNECTED')
    expect(step).toHaveProperty('error.status', 'alive')
  })

  it('did not help when the peer closes then: the old connection did not end', () => {
    const handshake = dial()
    lastStep(handshake, alive)
    expect(handshake.end()).toBeInstanceOf(AlreadyConnectedError)
  })
})

describe('a peer that refuses', () => {
  it('with nok is connecting itself', () => {
    const error = failure(dial(), wire('s', 'nok'))
    expect(error).toBeInstanceOf(AlreadyConnectedError)
    expect(error).toMatchObject({ status: 'nok', node: PEER })
  })

  it('with not_allowed does not want this node', () => {
    const error = failure(dial(), wire('s', 'not_allowed'))
    expect(error).toBeInstanceOf(NotAllowedError)
    expect(error).toMatchObject({ code: 'ERR_DIST_NOT_ALLOWED', node: PEER })
    expect(error.hint).toContain('net_kernel:allow')
  })

  it('with not_allowed may want the flags that OTP 26 added, which are then named', () => {
    const error = failure(dial(withFlags(MANDATORY_25)), wire('s', 'not_allowed'))
    expect(error).toBeInstanceOf(MissingFlagsError)
    expect(error).toMatchObject({
      code: 'ERR_DIST_MISSING_FLAGS',
      lackedBy: 'us',
      flags: ['UNLINK_ID', 'V4_NC'],
      cause: expect.any(NotAllowedError),
    })
    expect(error.message).toContain('UNLINK_ID, V4_NC')
  })
})

describe('a peer that lacks flags', () => {
  function challengeWith(flags: bigint): Uint8Array {
    return wire('N', uint64(flags), uint32(1), uint32(2), 0, 15, PEER)
  }

  it('is refused, and the flags are named', () => {
    const flags = MANDATORY_25 & ~flag.MAP_TAG & ~flag.BIG_CREATION
    const error = failure(dial(), ok, challengeWith(flags))
    expect(error).toBeInstanceOf(MissingFlagsError)
    expect(error).toMatchObject({ lackedBy: 'peer', flags: ['MAP_TAG', 'BIG_CREATION'] })
    expect(error.message).toContain('it lacks MAP_TAG, BIG_CREATION')
  })

  it('has them when it has the digest', () => {
    expect(lastStep(dial(), ok, challengeWith(flag.MANDATORY_25_DIGEST)).type).toBe('continue')
  })

  it('is refused for what the caller requires', () => {
    const required = MANDATORY_26 | flag.SPAWN
    const error = failure(dial({ required }), ok, challengeWith(MANDATORY_26))
    expect(error).toMatchObject({ flags: ['SPAWN'] })
  })
})

describe('another peer than the one that was dialled', () => {
  it('is told by its name', () => {
    const error = failure(dial({ peer: parseNodeName('other@127.0.0.1') }), ok, challenge)
    expect(error).toBeInstanceOf(WrongNodeNameError)
    expect(error).toMatchObject({ node: 'other@127.0.0.1', answered: PEER })
    expect(error.message).toBe(`other@127.0.0.1 was dialled, and "${PEER}" answered`)
  })

  it('is told by its digest, when it does not know the cookie', () => {
    const wrong = wire('a', new Uint8Array(16))
    const error = failure(dial(), ok, challenge, wrong)
    expect(error).toBeInstanceOf(PeerNotAuthenticatedError)
    expect(error).toMatchObject({ code: 'ERR_DIST_PEER_NOT_AUTHENTICATED', node: PEER })
  })
})

describe('a connection that the peer closes', () => {
  it('after our digest had the wrong cookie', () => {
    const handshake = dial()
    lastStep(handshake, ok, challenge)
    const cause = new Error('reset')
    const error = handshake.end(cause)
    expect(error).toBeInstanceOf(WrongCookieError)
    expect(error).toMatchObject({ code: 'ERR_DIST_WRONG_COOKIE', node: PEER, cause })
    expect(error.hint).toContain('erlang:get_cookie()')
    expect(inspect(error, { showHidden: true })).not.toContain(SECRET)
  })

  it('after our name may want TLS', () => {
    const handshake = dial()
    handshake.start()
    const error = handshake.end()
    expect(error).toBeInstanceOf(HandshakeClosedError)
    expect(error).toMatchObject({ code: 'ERR_DIST_HANDSHAKE_CLOSED', due: 'send_status' })
    expect(error.hint).toContain('TLS')
    expect(error.hint).toContain('limit of processes or ports')
  })

  it('after its status gave no reason', () => {
    const handshake = dial()
    lastStep(handshake, ok)
    expect(handshake.end()).toMatchObject({
      code: 'ERR_DIST_HANDSHAKE_CLOSED',
      due: 'send_challenge',
    })
  })
})

describe('what is no message of the handshake', () => {
  const beforeStatus: readonly Uint8Array[] = []
  const beforeChallenge = [ok]
  const beforeAck = [ok, challenge]

  it.each([
    ['nothing', beforeStatus, wire()],
    ['the start of a TLS alert', beforeStatus, wire(21, 3, 3, 0, 2)],
    ['a status of another tag', beforeStatus, wire('S', 'ok')],
    ['an unknown status', beforeStatus, wire('s', 'okay')],
    ['an answer to alive', beforeStatus, wire('s', 'true')],
    ['a challenge in place of the status', beforeStatus, challenge],
    ['a second status', beforeChallenge, ok],
    ['a challenge of version 5', beforeChallenge, wire('n', 0, 5, uint32(0), uint32(0), PEER)],
    ['a name that is cut short', beforeChallenge, challenge.subarray(0, -1)],
    ['a challenge without a name', beforeChallenge, challenge.subarray(0, 17)],
    ['a digest that is too short', beforeAck, ack.subarray(0, -1)],
    ['a digest that is too long', beforeAck, wire(ack, 0)],
    ['a challenge in place of the digest', beforeAck, challenge],
  ])('is rejected: %s', (_, before, message) => {
    const error = failure(dial(), ...before, message)
    expect(error).toBeInstanceOf(HandshakeProtocolError)
    expect(error).toMatchObject({ code: 'ERR_DIST_HANDSHAKE_PROTOCOL', node: PEER })
  })

  it('is rejected before the start, after the end and after a failure', () => {
    expect(dial().receive(ok).type).toBe('failed')

    const done = dial()
    lastStep(done, ok, challenge, ack)
    expect(done.receive(ack).type).toBe('failed')

    const failed = dial()
    failure(failed, wire('s', 'nok'))
    expect(failed.receive(ok).type).toBe('failed')
  })

  it('stands in a message only with what cannot harm a terminal', () => {
    const { message } = failure(dial(), wire('s', 27, '[2J'))
    expect(message).toContain('"\\u001b[2J"')
  })

  it('never brings a digest into a message: that with the challenge lets anyone guess', () => {
    const error = failure(dial(), ok, challenge, wire('a', 'DIGESTDIGESTDIGESTDIGEST'))
    expect(inspect(error)).not.toContain('DIGEST')
  })
})
