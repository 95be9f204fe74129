/**
 * What comes over a connection that stands: headers, the atom cache, fragments, control messages, payloads.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */
import { AtomCache } from '../../src/dist/atom-cache.ts'
import {
  ControlMessageError,
  controlTerm,
  hasPayload,
  readControl,
} from '../../src/dist/control.ts'
import { flag } from '../../src/dist/flags.ts'
import { FragmentAssembler, FragmentError, MessageTooLargeError } from '../../src/dist/fragments.ts'
import { readHeader } from '../../src/dist/header.ts'
import { HeaderError } from '../../src/dist/header-error.ts'
import { MessageDecoder } from '../../src/dist/message-decoder.ts'
import { MessageEncoder } from '../../src/dist/message-encoder.ts'
import {
  atom,
  DecodeError,
  decode,
  EncodedTerm,
  encode,
  equals,
  LocalTerm,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import * as tag from '../../src/etf/tags.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { writeControl, writeRefs } from '../generate-frame.ts'
import { writeTerm } from '../generate-term.ts'
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
import { pid, reference } from './seeds.ts'

/** A connection with each, by the first byte of an input. */
const FORMS: readonly bigint[] = [
  0n,
  flag.DIST_HDR_ATOM_CACHE,
  flag.FRAGMENTS,
  flag.FRAGMENTS | flag.DIST_HDR_ATOM_CACHE,
]

const LIMITS = { maxMessageSize: 2048, maxTotalSize: 4096, maxSequences: 4 }

interface Numbers {
  sequence: number
  fragment: number
}

/** A frame for a connection of that form; sequences go on from frame to frame. */
function writeFrame(out: ByteWriter, form: number, numbers: Numbers): void {
  const { random } = out
  if (random.oneIn(20)) return
  const kind = out.lies > 0 && random.oneIn(out.lies) ? random.below(4) : form
  if (kind === 0) {
    out.uint8(112)
    out.uint8(tag.VERSION)
    writeControl(out)
    if (random.oneIn(3)) return
    out.uint8(tag.VERSION)
    writeTerm(out, 2)
    return
  }
  out.uint8(tag.VERSION)
  if (kind === 1 || random.oneIn(3)) {
    out.uint8(68)
    writeRefs(out)
    writeControl(out)
    if (random.oneIn(2)) writeTerm(out, 3)
    return
  }
  const goesOn = numbers.fragment > 1 && !random.oneIn(6)
  if (goesOn) numbers.fragment -= 1
  else {
    numbers.sequence += random.oneIn(10) ? 0 : 1
    numbers.fragment = 1 + random.small(4)
  }
  out.uint8(goesOn ? 70 : 69)
  out.uint64(BigInt(random.oneIn(20) ? random.interesting() : numbers.sequence))
  out.uint64(random.oneIn(60) ? 2n ** 60n : BigInt(out.count(numbers.fragment)))
  if (goesOn) {
    if (random.oneIn(2)) out.noise(random.small(random.oneIn(8) ? 2000 : 40))
    else writeTerm(out, 2)
    return
  }
  writeRefs(out)
  writeControl(out)
  if (random.oneIn(4)) return
  // The beginning of a term of which the rest is to follow.
  out.uint8(tag.BINARY)
  out.uint32(random.small(3000))
  out.noise(random.small(random.oneIn(8) ? 2000 : 40))
}

function writeFrames(out: ByteWriter, form: number): void {
  const numbers: Numbers = { sequence: 0, fragment: 0 }
  // Messages that begin and never end.
  const floods = out.random.oneIn(8)
  for (let left = 1 + out.random.small(10); left > 0; left--) {
    if (floods) numbers.fragment = 0
    writeMessage(out, () => writeFrame(out, form, numbers))
  }
}

/** Frames of an encoder of ours, as an input. */
function conversation(form: number): Uint8Array {
  const encoder = new MessageEncoder(FORMS[form] ?? 0n)
  const frames = [
    ...encoder.encodeFrames(
      { type: 'send_sender', fromPid: pid, toPid: pid },
      tuple(atom('reply'), 1),
    ).frames,
    ...encoder.encodeFrames({ type: 'link', fromPid: pid, toPid: pid }).frames,
    ...encoder.encodeFrames(
      { type: 'payload_monitor_p_exit', fromProc: pid, toPid: pid, ref: reference },
      [1, 2],
    ).frames,
  ].map((chunks) => Buffer.concat(chunks).subarray(4))
  const [first] = frames
  if (form >= 2 && first !== undefined) frames.push(...inTwo(first))
  return new Uint8Array([form, ...framed(...frames)])
}

/** A whole message behind its header of three bytes, in two fragments. */
function inTwo(frame: Uint8Array): readonly Buffer<ArrayBuffer>[] {
  const ids = (left: number): Buffer =>
    Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, left])
  return [
    Buffer.concat([Buffer.of(tag.VERSION, 69), ids(2), Buffer.of(0), frame.subarray(3, -2)]),
    Buffer.concat([Buffer.of(tag.VERSION, 70), ids(1), frame.subarray(-2)]),
  ]
}

/** What must always be readable, on a connection of each form. */
const links = FORMS.map((form) =>
  Buffer.concat(
    new MessageEncoder(form).encode({ type: 'link', fromPid: pid, toPid: pid }),
  ).subarray(4),
)

/** Connections that live as long as the process, beside all those that are fed with inputs. */
const others = FORMS.map((form) => new MessageDecoder(form))

export const messagesTarget: Target = {
  name: 'messages',
  title: 'frames of a connection: headers, atom cache, fragments, control messages, payloads',
  seeds: once(() => FORMS.map((_, form) => conversation(form))),
  generate(out) {
    const form = out.random.below(4)
    out.uint8(form)
    writeFrames(out, form)
  },
  run(input): Verdict {
    const form = (input[0] ?? 0) % FORMS.length
    const decoder = new MessageDecoder(FORMS[form] ?? 0n, LIMITS)
    const link = links[form] ?? new Uint8Array()
    let accepted = 0
    /** The slots of the cache that were filled; `undefined` from when that is not known any more. */
    let filled: Set<number> | undefined = form === 0 ? undefined : new Set()
    for (const frame of messagesOf(input, 1)) {
      const refersToNothing = filled !== undefined && fill(filled, frame)
      try {
        const received = decoder.decode(frame)
        check(!refersToNothing, 'a reference into the cache that was never defined is let through')
        if (received.kind !== 'message') continue
        accepted += 1
        const { control, payload } = received
        check(
          (payload !== undefined) === hasPayload(control.type),
          'a payload that does not belong there',
        )
        if (payload === undefined) continue
        const term = attempt([DecodeError, MessageTooLargeError], () => payload.decode())
        const encoded = attempt([DecodeError, MessageTooLargeError], () => payload.encoded())
        // Only behind a version byte it is a term at all.
        if (term === undefined || term instanceof LocalTerm) continue
        const isSame = encoded !== undefined && equals(encoded.decode(), term)
        check(isSame, 'a payload that is kept encoded is another one')
      } catch (error) {
        checkError([HeaderError, FragmentError, ControlMessageError], error)
        // The connection is lost: who reads on gets nothing worse.
        if (!(error instanceof ControlMessageError)) {
          filled = undefined
          continue
        }
      }
      check(isLink(decoder, link), 'after a message the next one cannot be read')
    }
    const other = others[form]
    check(other === undefined || isLink(other, link), 'another connection is disturbed')
    return accepted > 0 ? 'accepted' : 'refused'
  },
}

/** Fills the slots that a header defines; says whether it refers to one that is empty. */
function fill(filled: Set<number>, frame: Uint8Array): boolean {
  const [version, kind] = frame
  if (version !== tag.VERSION || (kind !== 68 && kind !== 69)) return false
  const start = kind === 68 ? 2 : 18
  const count = frame[start] ?? 0
  const nibble = (index: number): number => {
    const byte = frame[start + 1 + (index >> 1)] ?? 0
    return index % 2 === 0 ? byte & 0xf : byte >> 4
  }
  const hasLong = count > 0 && (nibble(count) & 1) !== 0
  let at = start + 1 + (count > 0 ? (count >> 1) + 1 : 0)
  for (let index = 0; index < count && at < frame.length; index++) {
    const slot = ((nibble(index) & 7) << 8) | (frame[at] ?? 0)
    at += 1
    if ((nibble(index) & 8) === 0) {
      if (!filled.has(slot)) return true
      continue
    }
    filled.add(slot)
    const length = hasLong ? ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0) : (frame[at] ?? 0)
    at += (hasLong ? 2 : 1) + length
  }
  return false
}

function isLink(decoder: MessageDecoder, link: Uint8Array): boolean {
  const received = decoder.decode(link)
  return received.kind === 'message' && received.control.type === 'link'
}

export const fragmentsTarget: Target = {
  name: 'fragments',
  title: 'messages put together from fragments, within limits',
  seeds: once(() => [conversation(2), conversation(3)]),
  generate(out) {
    out.uint8(2)
    writeFrames(out, 2)
  },
  run(input): Verdict {
    const cache = new AtomCache()
    const assembler = new FragmentAssembler(LIMITS)
    let whole = 0
    for (const frame of messagesOf(input, 1)) {
      const assembled = attempt([HeaderError, FragmentError], () => {
        const header = readHeader(frame, cache)
        return header.kind === 'whole' ? undefined : assembler.add(header, frame)
      })
      check(
        assembler.size >= 0 && assembler.size <= LIMITS.maxTotalSize,
        `${assembler.size} bytes are held`,
      )
      check(
        assembler.sequences <= LIMITS.maxSequences,
        `${assembler.sequences} messages are under way`,
      )
      if (assembler.sequences === 0) check(assembler.size === 0, 'bytes are held for no message')
      if (assembled === undefined) continue
      whole += 1
      const isRefused = assembled.refusal !== undefined
      check(
        isRefused || assembled.bytes.length <= LIMITS.maxMessageSize,
        'a message is over the limit',
      )
    }
    return whole > 0 ? 'accepted' : 'refused'
  },
}

export const controlTarget: Target = {
  name: 'control',
  title: 'control messages out of any term',
  seeds: once(() =>
    [
      tuple(1, pid, pid),
      tuple(21, pid, pid, reference, atom('normal')),
      tuple(37, 3, pid, reference),
    ].map((it) => encode(it).subarray(1)),
  ),
  generate(out) {
    if (out.random.oneIn(10)) writeTerm(out, 3)
    else writeControl(out)
  },
  run(input): Verdict {
    const atomCacheRefs = [atom('zero'), atom('one'), atom('two')]
    const term = attempt([DecodeError], () => new EncodedTerm(input, atomCacheRefs).decode())
    if (term === undefined) return 'refused'
    const message = attempt([ControlMessageError], () => readControl(term))
    if (message === undefined) return 'refused'
    const written = controlTerm(message)
    const again = controlTerm(readControl(decode(encode(written))))
    check(equals(again, written), 'a control message is another one when sent on')
    return 'accepted'
  },
}

/** The first byte is the form of the connection; of each message the first byte tells when it is sent. */
export const sentTarget: Target = {
  name: 'sent',
  title: 'terms sent on as messages, with announced atoms, in the order that a connection may have',
  seeds: once(() => FORMS.map((_, form) => new Uint8Array([form, ...framed(...encodedTerms)]))),
  generate(out) {
    out.uint8(out.random.below(4))
    for (let left = 1 + out.random.small(8); left > 0; left--) {
      writeMessage(out, () => {
        out.uint8(out.random.below(4))
        writeTerm(out, out.random.small(5))
      })
    }
  },
  run(input): Verdict {
    const form = FORMS[(input[0] ?? 0) % FORMS.length] ?? 0n
    const encoder = new MessageEncoder(form)
    const decoder = new MessageDecoder(form)
    const receive = (frame: Uint8Array, term: Term): void => {
      const received = decoder.decode(frame)
      if (received.kind === 'fragment') return
      const payload = received.kind === 'message' ? received.payload?.decode() : undefined
      check(payload !== undefined && equals(payload, term), 'a term arrives as another one')
    }
    const overtaken: (() => void)[] = []
    let sent = 0
    for (const message of messagesOf(input, 1)) {
      const [order = 0] = message
      const bytes = message.subarray(1)
      const term = attempt([DecodeError], () => new EncodedTerm(bytes).decode())
      if (term === undefined) continue
      const isNext = (order & 1) !== 0
      const control = { type: 'send_sender', fromPid: pid, toPid: pid } as const
      for (const chunks of encoder.encodeFrames(control, term, isNext).frames) {
        const frame = Buffer.concat(chunks).subarray(4)
        // What may be overtaken is, by all that follows.
        if (isNext || order === 0) receive(frame, term)
        else overtaken.push(() => receive(frame, term))
      }
      sent += 1
    }
    for (const late of overtaken) late()
    return sent > 0 ? 'accepted' : 'refused'
  },
}

const encodedTerms = [
  tuple(atom('ok'), atom('a')),
  [atom('a'), atom('é')],
  tuple(pid, reference),
].map((it) => Buffer.concat([Buffer.of(1), encode(it).subarray(1)]))

function framed(...messages: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(messages.flatMap((it) => [Buffer.of(it.length >> 8, it.length & 0xff), it]))
}
