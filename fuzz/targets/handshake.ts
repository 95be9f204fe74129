/**
 * The handshake: its messages, and both state machines under frames in any order.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#the-handshake-in-detail
 */
import { AcceptHandshake, type AcceptStep } from '../../src/dist/accept-handshake.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { flag, MANDATORY_25, MANDATORY_26 } from '../../src/dist/flags.ts'
import { Handshake, type HandshakeStep } from '../../src/dist/handshake.ts'
import {
  HandshakeError,
  HandshakeProtocolError,
  OldHandshakeError,
} from '../../src/dist/handshake-errors.ts'
import {
  decodeAliveAnswer,
  decodeChallenge,
  decodeChallengeAck,
  decodeChallengeReply,
  decodeName,
  decodeStatus,
  encodeAliveAnswer,
  encodeChallenge,
  encodeChallengeAck,
  encodeChallengeReply,
  encodeName,
  encodeStatus,
  type HandshakeStatus,
} from '../../src/dist/handshake-messages.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import type { ByteWriter } from '../byte-writer.ts'
import {
  attempt,
  check,
  checkError,
  messagesOf,
  once,
  type Target,
  type Verdict,
  writeMessage,
} from '../target.ts'

const cookie = new Cookie('fuzz')
const OUR_CHALLENGE = 1
const THEIR_CHALLENGE = 2
const self = parseNodeName('us@localhost')
const peer = parseNodeName('them@localhost')
const FLAGS = MANDATORY_26 | flag.MANDATORY_25_DIGEST
const NAMES = [
  'them@localhost',
  'us@localhost',
  'localhost',
  '',
  'a@b@c',
  'é@localhost',
  '\u001b[31m@x',
  'n'.repeat(300),
]
const STATUSES = [
  'ok',
  'ok_simultaneous',
  'nok',
  'not_allowed',
  'alive',
  'true',
  'false',
  'named:',
  'OK',
  '\u0007',
]

const cookieDigest = (challenge: number): Uint8Array => cookie.digest(challenge)

/** What answers both challenges, and the wrong ones. */
const digests: readonly Uint8Array[] = [
  cookieDigest(OUR_CHALLENGE),
  cookieDigest(THEIR_CHALLENGE),
  new Cookie('other').digest(OUR_CHALLENGE),
  new Uint8Array(16),
]

function writeAny(out: ByteWriter): void {
  const { random } = out
  switch (random.below(8)) {
    case 0:
    case 1:
      out.uint8(random.oneIn(20) ? 0x6e : 0x4e)
      out.uint64(
        random.oneIn(4)
          ? BigInt(random.uint32()) << 8n
          : FLAGS | (random.oneIn(4) ? flag.NAME_ME : 0n),
      )
      out.uint32(random.interesting())
      writeName(out, 'latin1')
      break
    case 2:
      out.uint8(0x4e)
      out.uint64(random.oneIn(4) ? BigInt(random.uint32()) << 8n : MANDATORY_25)
      out.uint32(random.oneIn(4) ? random.interesting() : THEIR_CHALLENGE)
      out.uint32(random.interesting())
      writeName(out, 'latin1')
      break
    case 3:
    case 4:
      out.uint8(0x73)
      out.text(random.pick(STATUSES))
      if (random.oneIn(4)) {
        out.text('named:')
        writeName(out, 'utf8')
        out.uint32(random.interesting())
      }
      break
    case 5:
      out.uint8(0x72)
      out.uint32(random.oneIn(2) ? random.interesting() : THEIR_CHALLENGE)
      out.bytes(random.pick(digests))
      break
    case 6:
      out.uint8(0x61)
      out.bytes(random.pick(digests))
      break
    default:
      out.noise(random.small(30))
  }
  if (random.oneIn(20)) out.noise(1)
}

function writeName(out: ByteWriter, encoding: 'latin1' | 'utf8'): void {
  const name = Buffer.from(
    out.random.oneIn(3) ? out.random.pick(NAMES) : 'them@localhost',
    encoding,
  )
  out.uint16(out.count(name.length))
  out.bytes(name)
}

const theirName = encodeName({ flags: FLAGS, creation: 7, name: peer.full })
const theirChallenge = encodeChallenge({
  flags: FLAGS,
  challenge: THEIR_CHALLENGE,
  creation: 7,
  name: peer.full,
})
const theirReply = encodeChallengeReply({
  challenge: THEIR_CHALLENGE,
  digest: cookieDigest(OUR_CHALLENGE),
})
const theirAck = encodeChallengeAck(cookieDigest(OUR_CHALLENGE))

const ERRORS = [HandshakeProtocolError, OldHandshakeError]

/** The first byte tells which message is due. */
export const handshakeMessageTarget: Target = {
  name: 'handshake-message',
  title: 'messages of the handshake of both sides',
  seeds: once(() =>
    [
      theirName,
      encodeStatus('ok'),
      encodeAliveAnswer(true),
      theirChallenge,
      theirReply,
      theirAck,
      encodeStatus({ named: peer, creation: 9 }),
    ].map((it, index) => Buffer.concat([Buffer.of(index % 6), it])),
  ),
  generate(out) {
    out.uint8(out.random.below(6))
    writeAny(out)
  },
  run(input): Verdict {
    const body = input.subarray(1)
    const read = (): Uint8Array => {
      switch ((input[0] ?? 0) % 6) {
        case 0:
          return encodeName(decodeName(body))
        case 1:
          return encodeStatus(decodeStatus(body, peer.full))
        case 2:
          return encodeAliveAnswer(decodeAliveAnswer(body, peer.full))
        case 3:
          return encodeChallenge(decodeChallenge(body, peer.full))
        case 4:
          return encodeChallengeReply(decodeChallengeReply(body, peer.full))
        default:
          return encodeChallengeAck(decodeChallengeAck(body, peer.full))
      }
    }
    const again = attempt(ERRORS, read)
    if (again === undefined) return 'refused'
    // More may follow in later releases.
    const begins = Buffer.compare(again, body.subarray(0, again.length)) === 0
    check(begins, 'a message is another one when sent on')
    return 'accepted'
  },
}

const ANSWERS: readonly HandshakeStatus[] = ['ok', 'ok_simultaneous', 'alive', 'nok', 'not_allowed']

/** The first byte holds the options; messages follow. */
export const handshakeStateTarget: Target = {
  name: 'handshake-state',
  title: 'both state machines of the handshake, under messages in any order',
  seeds: once(() => {
    const exchange = (options: number, ...messages: readonly Uint8Array[]): Uint8Array =>
      Buffer.concat([
        Buffer.of(options),
        ...messages.map((it) => Buffer.concat([Buffer.of(it.length >> 8, it.length & 0xff), it])),
      ])
    const named = encodeStatus({ named: parseNodeName('given@localhost'), creation: 9 })
    return [
      exchange(0, encodeStatus('ok'), theirChallenge, theirAck),
      exchange(0, encodeStatus('alive'), theirChallenge, theirAck),
      exchange(2, encodeStatus('alive')),
      exchange(4, named, theirChallenge, theirAck),
      exchange(1, theirName, theirReply),
      exchange(1 + (2 << 3), theirName, encodeAliveAnswer(true), theirReply),
    ]
  }),
  generate(out) {
    const { random } = out
    const seeds = handshakeStateTarget.seeds()
    const seed = random.pick(seeds)
    out.uint8(random.oneIn(2) ? (seed[0] ?? 0) : random.below(256))
    // A true exchange, with other messages before, in between, instead and behind.
    for (const message of messagesOf(seed, 1)) {
      if (random.oneIn(6)) writeMessage(out, () => writeAny(out))
      if (random.oneIn(6)) writeMessage(out, () => writeAny(out))
      else writeMessage(out, () => out.bytes(message))
    }
    for (let left = random.small(4); left > 0; left--) writeMessage(out, () => writeAny(out))
  },
  run(input): Verdict {
    const [options = 0] = input
    const verdict = (options & 1) === 0 ? connect(input, options) : accept(input, options)
    // Another connection meanwhile.
    const other = new Handshake({
      self: { name: self, creation: 1, flags: FLAGS },
      peer,
      cookie,
      challenge: OUR_CHALLENGE,
    })
    other.start()
    other.receive(encodeStatus('ok'))
    other.receive(theirChallenge)
    check(other.receive(theirAck).type === 'done', 'another handshake fails')
    return verdict
  },
}

function connect(input: Uint8Array, options: number): Verdict {
  const isDynamic = (options & 4) !== 0
  const handshake = new Handshake({
    self: { name: self, creation: 1, flags: FLAGS | (isDynamic ? flag.NAME_ME : 0n) },
    peer,
    cookie,
    onAlive: (options & 2) === 0 ? 'replace' : 'yield',
    challenge: OUR_CHALLENGE,
  })
  if ((options & 128) === 0) handshake.start()
  return follow(
    input,
    (message) => handshake.receive(message),
    () => handshake.end(),
    0x61,
  )
}

function accept(input: Uint8Array, options: number): Verdict {
  const handshake = new AcceptHandshake({
    self: { name: self, creation: 1, flags: FLAGS },
    cookie,
    challenge: OUR_CHALLENGE,
  })
  const receive = (message: Uint8Array): AcceptStep => {
    const step = handshake.receive(message)
    if (step.type !== 'introduced') return step
    if (step.introduction.name === undefined) {
      return handshake.answer({ named: parseNodeName('given@localhost'), creation: 9 })
    }
    return handshake.answer(ANSWERS[(options >> 3) % ANSWERS.length] ?? 'ok')
  }
  return follow(input, receive, () => handshake.end(), 0x72)
}

/** Nobody comes in without the proof, and after the end nothing is taken. */
function follow(
  input: Uint8Array,
  receive: (message: Uint8Array) => AcceptStep | HandshakeStep,
  end: () => unknown,
  proofTag: number,
): Verdict {
  const proof = cookieDigest(OUR_CHALLENGE)
  let state: 'open' | 'done' | 'failed' = 'open'
  let verdict: Verdict = 'refused'
  for (const message of messagesOf(input, 1)) {
    const step = receive(message)
    for (const sent of step.send)
      check(sent.length > 0 && sent.length < 0x1_0000, 'a message has no room')
    if (state !== 'open') check(step.type === 'failed', `a ${state} handshake takes a message`)
    if (step.type === 'failed') {
      checkError([HandshakeError], step.error)
      state = 'failed'
    } else if (step.type === 'done') {
      check(message[0] === proofTag, 'a handshake is done by another message than the proof')
      check(
        Buffer.compare(message.subarray(-16), proof) === 0,
        'a handshake is done without the proof',
      )
      state = 'done'
      verdict = 'accepted'
    }
  }
  checkError([HandshakeError], end())
  return verdict
}
