import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ControlMessage, ControlMessageError, hasPayload } from '../../src/dist/control.ts'
import { flag } from '../../src/dist/flags.ts'
import { FragmentError, MessageTooLargeError } from '../../src/dist/fragments.ts'
import { FrameSplitter } from '../../src/dist/frames.ts'
import { firstFragmentHeader, nextFragmentHeader, wholeHeader } from '../../src/dist/header.ts'
import { HeaderError } from '../../src/dist/header-error.ts'
import { type Message, MessageDecoder } from '../../src/dist/message-decoder.ts'
import { MessageEncoder } from '../../src/dist/message-encoder.ts'
import { ProtocolError } from '../../src/dist/protocol-error.ts'
import {
  atom,
  DecodeError,
  EncodeError,
  encode,
  equals,
  Pid,
  Reference,
  type Term,
  TruncatedTermError,
  tuple,
} from '../../src/etf/index.ts'
import { arbitraryTerm } from '../etf/arbitrary-term.ts'
import { arbitraryControl } from './arbitrary-control.ts'
import { passedThrough, withAtomCache, withoutAtoms } from './recorded.ts'
import { cut, uint32, uint64, wire } from './wire.ts'

const PASS_THROUGH = 0n
const FRAGMENTS = flag.FRAGMENTS
const ATOM_CACHE = flag.DIST_HDR_ATOM_CACHE
const BOTH = FRAGMENTS | ATOM_CACHE

const from = new Pid(atom('a@localhost'), 1, 0, 7)
const to = new Pid(atom('b@localhost'), 2, 0, 9)
const ref = new Reference(atom('a@localhost'), 7, [1])
const sendSender: ControlMessage = { type: 'send_sender', fromPid: from, toPid: to }
const reply: ControlMessage = { type: 'payload_monitor_p_exit', fromProc: from, toPid: to, ref }

/** `sendSender` without a version byte. */
const control = encode(tuple(22, from, to)).subarray(1)

function messageOf(decoder: MessageDecoder, frame: Uint8Array): Message {
  const received = decoder.decode(frame)
  if (received.kind !== 'message') throw new Error(`a ${received.kind}`)
  return received
}

/** The frames in what an encoder made. */
function frames(chunks: readonly Uint8Array[], places: readonly number[] = []): Uint8Array[] {
  const splitter = new FrameSplitter({ headerSize: 4, maxLength: 2 ** 30 })
  const all: Uint8Array[] = []
  for (const chunk of places.length === 0 ? chunks : cut(wire(...chunks), places)) {
    splitter.push(chunk)
    for (let one = splitter.next(); one !== undefined; one = splitter.next()) all.push(one)
  }
  expect(splitter.buffered).toBe(0)
  return all
}

describe('a payload', () => {
  it('is handed over as it came, whatever stands before it', () => {
    fc.assert(
      fc.property(arbitraryTerm(), fc.constantFrom(PASS_THROUGH, FRAGMENTS), (term, flags) => {
        const [frame] = frames(new MessageEncoder(flags).encode(reply, term))
        if (frame === undefined) throw new Error('no frame')
        const { payload } = messageOf(new MessageDecoder(flags), frame)
        const encoded = payload?.encoded()
        expect(encoded !== undefined && equals(encoded.decode(), term)).toBe(true)
      }),
    )
  })

  it('is decoded before that where it is compressed', () => {
    const compressed = encode(Array(500).fill(7), { compressed: 9 })
    const frame = wire(Uint8Array.of(112), encode(tuple(22, from, to)), compressed)
    const { payload } = messageOf(new MessageDecoder(PASS_THROUGH), frame)
    expect(payload?.encoded().decode()).toEqual(Array(500).fill(7))
  })
})

describe('MessageDecoder', () => {
  it.each(passedThrough)('reads %s as a node sent it without a header', (type, frame) => {
    const message = messageOf(new MessageDecoder(PASS_THROUGH), frame)
    expect(message.control.type).toBe(type)
    expect(message.payload !== undefined).toBe(hasPayload(message.control.type))
    // What a node writes, the encoder writes too, byte for byte.
    const again = new MessageEncoder(PASS_THROUGH).encode(
      message.control,
      message.payload?.decode(),
    )
    expect(wire(...again)).toEqual(wire(uint32(frame.length), frame))
  })

  it('reads and writes what a node sends with FRAGMENTS alone', () => {
    const message = messageOf(new MessageDecoder(FRAGMENTS), withoutAtoms)
    expect(message.control).toMatchObject({ type: 'send_sender', toPid: { id: 1 } })
    expect(message.payload?.decode()).toEqual(atom('hello'))
    const again = new MessageEncoder(FRAGMENTS).encode(message.control, atom('hello'))
    expect(wire(...again)).toEqual(wire(uint32(withoutAtoms.length), withoutAtoms))
  })

  it('reads what a node sends with the atom cache and fragments', () => {
    const decoder = new MessageDecoder(BOTH)
    const { spawnReply, monitorExit, longAtom, fragments, digits } = withAtomCache
    expect(decoder.decode(spawnReply)).toEqual({
      kind: 'message',
      control: {
        type: 'spawn_reply',
        reqId: new Reference(atom('rec@127.0.0.1'), 1234567, [1, 0, 0]),
        to: new Pid(atom('rec@127.0.0.1'), 1, 0, 1234567),
        flags: 2,
        result: new Pid(atom('peer@127.0.0.1'), 88, 0, 0x922cd7b8),
        traceToken: undefined,
      },
      payload: undefined,
    })
    const result = (n: number, value: Term) =>
      tuple(new Reference(atom('rec@127.0.0.1'), 1234567, [n, 0, 0]), atom('return'), value)
    const exit = messageOf(decoder, monitorExit)
    expect(exit.control.type).toBe('payload_monitor_p_exit')
    // Later headers do not change what the atoms of an earlier one are.
    const long = messageOf(decoder, longAtom)
    expect(exit.payload?.decode()).toEqual(result(1, atom('peer@127.0.0.1')))
    expect(long.payload?.decode()).toEqual(result(4, atom('語'.repeat(100))))
    const [first = wire(), second = wire(), last = wire()] = fragments
    expect(decoder.decode(first)).toEqual({ kind: 'fragment' })
    // A message that is whole may come in between.
    expect(messageOf(decoder, monitorExit).payload?.decode()).toEqual(
      result(1, atom('peer@127.0.0.1')),
    )
    expect(decoder.decode(second)).toEqual({ kind: 'fragment' })
    const big = messageOf(decoder, last)
    expect(big.control).toMatchObject({ type: 'payload_monitor_p_exit', ref: { words: [5, 0, 0] } })
    expect(big.payload?.byteLength).toBe(150_030)
    const term = big.payload?.decode()
    expect(term !== undefined && equals(term, result(5, digits))).toBe(true)
  })

  it('reads the fragments of the documentation', () => {
    const decoder = new MessageDecoder(BOTH)
    // Its example stands on two atoms that came before: slot 10 of segment 4, slot 5 of segment 0.
    const before = wire(131, 68, 2, 0x8c, 0x00, 10, 6, 'n@host', 5, 0, control, 106)
    expect(decoder.decode(before).kind).toBe('message')
    const example = wire(
      ...[131, 69, 0, 0, 2, 168, 0, 0, 5, 83, 0, 0, 0, 0, 0, 0, 0, 2],
      ...[5, 4, 137, 9, 10, 5, 236, 3, 114, 101, 103, 9, 4, 99, 97, 108, 108],
      ...[238, 13, 115, 101, 116, 95, 103, 101, 116, 95, 115, 116, 97, 116, 101],
      ...[104, 4, 97, 6, 103, 82, 0, 0, 0, 0, 85, 0, 0, 0, 0, 2, 82, 1, 82, 2],
      ...[104, 3, 82, 3, 103, 82, 0, 0, 0, 0, 245, 0, 0, 0, 2, 2],
      ...[104, 2, 82, 4, 109, 0, 0, 0, 128],
      // 128 bytes of payload go into a fragment: these, the 25 before, and the rest.
      new Uint8Array(103),
    )
    const rest = wire(
      ...[131, 70, 0, 0, 2, 168, 0, 0, 5, 83, 0, 0, 0, 0, 0, 0, 0, 1],
      new Uint8Array(25),
    )
    expect(decoder.decode(example)).toEqual({ kind: 'fragment' })
    const message = messageOf(decoder, rest)
    const node = atom('n@host')
    expect(message.control).toEqual({
      type: 'reg_send',
      fromPid: new Pid(node, 85, 0, 2),
      toName: atom('reg'),
      traceToken: undefined,
    })
    expect(message.payload?.decode()).toEqual(
      tuple(
        atom('call'),
        new Pid(node, 245, 2, 2),
        tuple(atom('set_get_state'), new Uint8Array(128)),
      ),
    )
  })

  it('takes an empty frame for a tick, whatever the flags', () => {
    for (const flags of [PASS_THROUGH, FRAGMENTS, ATOM_CACHE, BOTH]) {
      expect(new MessageDecoder(flags).decode(wire())).toEqual({ kind: 'tick' })
    }
  })

  it('reads only the form that was agreed on', () => {
    const passed = wire(112, 131, control, 131, 106)
    const whole = wire(wholeHeader(), control, 106)
    const first = wire(firstFragmentHeader(1, 1), control, 106)
    const accepted = (flags: bigint, frame: Uint8Array) => {
      try {
        return new MessageDecoder(flags).decode(frame).kind === 'message'
      } catch (error) {
        expect(error).toBeInstanceOf(HeaderError)
        return false
      }
    }
    const table = [PASS_THROUGH, ATOM_CACHE, FRAGMENTS, BOTH].map((flags) =>
      [passed, whole, first].map((frame) => accepted(flags, frame)),
    )
    expect(table).toEqual([
      [true, false, false],
      [false, true, false],
      [false, true, true],
      [false, true, true],
    ])
  })

  it('gives the control message of a payload that cannot be decoded', () => {
    const decoder = new MessageDecoder(BOTH)
    // BINARY_EXT of 9 bytes that are not there; a tag that is none; a reference to no atom; nothing
    for (const broken of [
      wire(109, uint32(9), 'abc'),
      wire(1),
      wire(82, 0),
      wire(),
      wire(106, 0),
    ]) {
      const { control: read, payload } = messageOf(decoder, wire(wholeHeader(), control, broken))
      expect(read).toMatchObject(sendSender)
      expect(() => payload?.decode()).toThrow(DecodeError)
    }
    // The connection is as good as before.
    expect(messageOf(decoder, wire(wholeHeader(), control, 97, 5)).payload?.decode()).toBe(5)
  })

  it('gives the control message of a passed-through payload that cannot be decoded', () => {
    const decoder = new MessageDecoder(PASS_THROUGH)
    for (const broken of [wire(), wire(130, 106), wire(131), wire(106), wire(131, 106, 106)]) {
      const { payload } = messageOf(decoder, wire(112, 131, control, broken))
      expect(() => payload?.decode()).toThrow(DecodeError)
    }
  })

  it('gives the control message of a payload that is too large to keep', () => {
    const decoder = new MessageDecoder(FRAGMENTS, { maxMessageSize: 1000 })
    const fragment = (left: number) => wire(nextFragmentHeader(1, left), new Uint8Array(600))
    const first = wire(firstFragmentHeader(1, 4), control, 109, uint32(2400), new Uint8Array(600))
    expect(decoder.decode(first)).toEqual({ kind: 'fragment' })
    const { control: read, payload } = messageOf(decoder, fragment(3))
    expect(read).toMatchObject(sendSender)
    expect(() => payload?.decode()).toThrow(MessageTooLargeError)
    expect(decoder.decode(fragment(2))).toEqual({ kind: 'fragment' })
    expect(decoder.decode(fragment(1))).toEqual({ kind: 'fragment' })
    expect(messageOf(decoder, wire(wholeHeader(), control, 97, 5)).payload?.decode()).toBe(5)
  })

  it('keeps a payload when the memory of its frame is written over', () => {
    const decoder = new MessageDecoder(FRAGMENTS)
    for (const size of [3, 3000]) {
      const frame = wire(wholeHeader(), control, 109, uint32(size), 'a'.repeat(size))
      const { payload } = messageOf(decoder, frame)
      const encoded = payload?.encoded()
      frame.fill(0)
      expect(payload?.decode()).toEqual(wire('a'.repeat(size)))
      expect(encoded?.decode()).toEqual(wire('a'.repeat(size)))
    }
  })

  it('decodes a small payload as often as it is asked to, and its binaries are copies', () => {
    const { payload } = messageOf(
      new MessageDecoder(FRAGMENTS),
      wire(wholeHeader(), control, 109, uint32(3), 'abc'),
    )
    const first = payload?.decode({ binaries: 'view' })
    if (!(first instanceof Uint8Array)) throw new Error('a binary')
    expect(first.buffer.byteLength).toBe(3)
    expect(payload?.decode()).toEqual(first)
    expect(payload?.decode()).toEqual(first)
  })

  it('copies the binaries of a payload, or shares its memory when told to', () => {
    const { payload } = messageOf(
      new MessageDecoder(FRAGMENTS),
      wire(wholeHeader(), control, 109, uint32(3000), 'a'.repeat(3000)),
    )
    const [copy, view, other] = [
      payload?.decode(),
      payload?.decode({ binaries: 'view' }),
      payload?.decode({ binaries: 'view' }),
    ]
    if (!(view instanceof Uint8Array) || !(other instanceof Uint8Array)) throw new Error('a binary')
    expect(other.buffer).toBe(view.buffer)
    view[0] = 'z'.charCodeAt(0)
    expect([copy, other]).toEqual([wire('a'.repeat(3000)), wire('z', 'a'.repeat(2999))])
  })

  it('rejects a control message that is none, and reads on', () => {
    const decoder = new MessageDecoder(ATOM_CACHE)
    const bad = [
      wire(),
      wire(97, 1),
      wire(104, 1, 97, 99),
      wire(104, 3, 97, 1, 106),
      wire(104, 3, 97, 1, 106, 106),
      wire(131, control, 106),
      // The atom of this one is announced all the same.
      wire(104, 1, 82, 0),
      // LINK, and a payload that it does not have
      wire(encode(tuple(1, from, to)).subarray(1), 97, 1),
    ]
    const header = wire(131, 68, 1, 0x08, 0, 1, 'x')
    for (const bytes of bad) {
      expect(() => decoder.decode(wire(header, bytes))).toThrow(ControlMessageError)
    }
    const cached = messageOf(decoder, wire(131, 68, 1, 0x00, 0, control, 82, 0))
    expect(cached.payload?.decode()).toEqual(atom('x'))
  })

  it('says why a control message cannot be decoded', () => {
    const read = () => new MessageDecoder(ATOM_CACHE).decode(wire(wholeHeader(), 104, 3, 97))
    expect(read).toThrow(expect.objectContaining({ cause: expect.any(TruncatedTermError) }))
  })

  it('cannot be made to hold more by announcing more', () => {
    const decoder = new MessageDecoder(FRAGMENTS)
    const flood = () => {
      for (let sequence = 0; sequence < 5000; sequence++) {
        decoder.decode(wire(131, 69, uint64(sequence), uint64(2n ** 52n), 0, control))
      }
    }
    expect(flood).toThrow(FragmentError)
  })
})

describe('MessageEncoder', () => {
  it('writes any message so that it is read again, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(PASS_THROUGH, FRAGMENTS, ATOM_CACHE, BOTH),
        fc.array(fc.tuple(arbitraryControl, arbitraryTerm()), { maxLength: 4 }),
        fc.array(fc.nat({ max: 2000 }), { minLength: 1, maxLength: 20 }),
        (flags, messages, places) => {
          const encoder = new MessageEncoder(flags)
          const decoder = new MessageDecoder(flags)
          const stream = messages.flatMap(([message, term]) =>
            encoder.encode(message, hasPayload(message.type) ? term : undefined),
          )
          const read = frames(stream, places).map((one) => messageOf(decoder, one))
          expect(read.map((one) => one.control.type)).toEqual(messages.map(([{ type }]) => type))
          for (const [index, { control: message, payload }] of read.entries()) {
            const [sent, term] = messages[index] ?? [message, 0]
            const plain = new MessageEncoder(PASS_THROUGH)
            const some = hasPayload(sent.type) ? 0 : undefined
            expect(wire(...plain.encode(message, some))).toEqual(wire(...plain.encode(sent, some)))
            expect(payload === undefined || equals(payload.decode(), term)).toBe(true)
          }
        },
      ),
    )
  })

  it('cuts payloads over 64 KiB, with the control message whole in the first fragment', () => {
    const kib64 = 65_536
    // A BINARY_EXT has five bytes before its own.
    for (const [size, count] of [
      [kib64 - 6, 1],
      [kib64 - 5, 1],
      [kib64 - 4, 2],
      [2 * kib64 - 5, 2],
      [2 * kib64 - 4, 3],
      [1_000_000, 16],
    ] as const) {
      const binary = Uint8Array.from({ length: size }, (_, index) => index % 251)
      const encoder = new MessageEncoder(BOTH)
      const decoder = new MessageDecoder(BOTH)
      const all = frames(encoder.encode(reply, binary))
      expect(all).toHaveLength(count)
      expect(all.every((one) => one.length <= kib64 + 200)).toBe(true)
      const kinds = all.map((one) => decoder.decode(one))
      const last = kinds.pop()
      expect(kinds.every(({ kind }) => kind === 'fragment')).toBe(true)
      if (last?.kind !== 'message') throw new Error('no message')
      expect(last.control).toEqual(reply)
      const term = last.payload?.decode()
      expect(term !== undefined && equals(term, binary)).toBe(true)
    }
  })

  it('gives each fragmented message a sequence of its own', () => {
    const encoder = new MessageEncoder(FRAGMENTS)
    const decoder = new MessageDecoder(FRAGMENTS)
    const large = (byte: number) => new Uint8Array(100_000).fill(byte)
    const [a1 = wire(), a2 = wire()] = frames(encoder.encode(reply, large(1)))
    const [b1 = wire(), b2 = wire()] = frames(encoder.encode(reply, large(2)))
    decoder.decode(a1)
    decoder.decode(b1)
    expect(messageOf(decoder, a2).payload?.decode()).toEqual(large(1))
    expect(messageOf(decoder, b2).payload?.decode()).toEqual(large(2))
  })

  it('does not cut where fragments were not agreed on', () => {
    const binary = new Uint8Array(200_000)
    for (const flags of [PASS_THROUGH, ATOM_CACHE]) {
      expect(frames(new MessageEncoder(flags).encode(reply, binary))).toHaveLength(1)
    }
  })

  it('writes a small message as one chunk, and does not copy a large one', () => {
    const encoder = new MessageEncoder(PASS_THROUGH)
    expect(encoder.encode(reply, new Uint8Array(1000))).toHaveLength(1)
    expect(encoder.encode(reply, new Uint8Array(10_000)).length).toBeGreaterThan(1)
  })

  it('rejects what is no term, and writes on', () => {
    const encoder = new MessageEncoder(BOTH)
    expect(() => encoder.encode(reply, 0.5)).toThrow(EncodeError)
    expect(encoder.encode(reply, 1)).toHaveLength(1)
  })

  it('rejects a payload too few or too many', () => {
    const encoder = new MessageEncoder(BOTH)
    expect(() => encoder.encode(reply)).toThrow(TypeError)
    expect(() => encoder.encode({ type: 'link', fromPid: from, toPid: to }, 1)).toThrow(TypeError)
  })
})

/** One byte of one frame, changed. */
interface Mutation {
  readonly frame: number
  readonly place: number
  readonly value: number
}

describe('hostile frames', () => {
  const { spawnReply, monitorExit, longAtom, fragments } = withAtomCache
  const conversation = [spawnReply, monitorExit, longAtom, ...fragments, spawnReply, monitorExit]

  /** Reads frames and decodes their payloads until the connection would be cut. */
  function survive(flags: bigint, all: readonly Uint8Array[]): void {
    const decoder = new MessageDecoder(flags, { maxMessageSize: 300_000 })
    for (const one of all) {
      let received: ReturnType<MessageDecoder['decode']>
      try {
        received = decoder.decode(one)
      } catch (error) {
        if (error instanceof ControlMessageError) continue
        expect(error).toBeInstanceOf(ProtocolError)
        return
      }
      if (received.kind !== 'message') continue
      try {
        received.payload?.decode()
      } catch (error) {
        if (error instanceof MessageTooLargeError) continue
        expect(error).toBeInstanceOf(DecodeError)
      }
    }
  }

  it('are read, or rejected with a typed error, wherever they end', () => {
    for (const [index, frame] of conversation.entries()) {
      for (let length = 0; length < Math.min(frame.length, 450); length++) {
        survive(BOTH, conversation.with(index, frame.subarray(0, length)))
      }
    }
    for (const [, frame] of passedThrough) {
      for (let length = 0; length < frame.length; length++) {
        survive(PASS_THROUGH, [frame.subarray(0, length), frame])
      }
    }
  })

  it('are read, or rejected with a typed error, with any byte changed', () => {
    const mutation: fc.Arbitrary<Mutation> = fc.record({
      frame: fc.nat(),
      place: fc.oneof(fc.nat({ max: 120 }), fc.nat()),
      value: fc.nat({ max: 255 }),
    })
    const changed = (all: readonly Uint8Array[], mutations: readonly Mutation[]) => {
      const copies = all.map((one) => one.slice())
      for (const { frame, place, value } of mutations) {
        const target = copies[frame % copies.length]
        if (target !== undefined && target.length > 0) target[place % target.length] = value
      }
      return copies
    }
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        survive(BOTH, changed(conversation, mutations))
        survive(
          PASS_THROUGH,
          changed(
            passedThrough.map(([, frame]) => frame),
            mutations,
          ),
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('are read, or rejected with a typed error, in any order and number', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...conversation), { maxLength: 12 }), (all) =>
        survive(BOTH, all),
      ),
    )
  })

  it('are rejected with a typed error when they are random', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(PASS_THROUGH, BOTH),
        fc.constantFrom([112, 131, 104], [131, 68], [131, 69], [131, 70], []),
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }),
        (flags, start, all) =>
          survive(
            flags,
            all.map((bytes) => wire(...start, bytes)),
          ),
      ),
      { numRuns: 1000 },
    )
  })
})
