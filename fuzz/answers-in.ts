/**
 * What a stream of frames answers to the calls under way, read in the simplest way: first come, first served.
 *
 * @see https://www.erlang.org/doc/apps/kernel/erpc.html
 */
import { ControlMessageError } from '../src/dist/control.ts'
import { FragmentError, MessageTooLargeError } from '../src/dist/fragments.ts'
import { FrameSplitter, FrameTooLargeError } from '../src/dist/frames.ts'
import { HeaderError } from '../src/dist/header-error.ts'
import { type Message, MessageDecoder, type Received } from '../src/dist/message-decoder.ts'
import { readSignal, type Signal, tryRead, type UnreadBody } from '../src/dist/signals.ts'
import {
  Atom,
  DecodeError,
  equals,
  isAtom,
  isTuple,
  Pid,
  Reference,
  type Term,
  TermCursor,
  type Tuple,
} from '../src/etf/index.ts'
import type { Identity } from '../src/node/identity.ts'
import { CALLS, FIRST_CALL } from './conversation.ts'

type Call = (typeof CALLS)[number]

/** The result of a call, or that it fails. */
export type Answer = { readonly value: Term } | 'failure'

/** By the place of the call in {@link CALLS}; those without an answer are left out. */
export function answersIn(
  stream: Uint8Array,
  flags: bigint,
  maxFrameSize: number,
  identity: Identity,
): ReadonlyMap<number, Answer> {
  const answers = new Map<number, Answer>()
  for (const message of messagesIn(stream, flags, maxFrameSize)) {
    const [reference, read] = answerIn(message, identity) ?? []
    const number = reference === undefined ? undefined : identity.referenceNumber(reference)
    const index = (number ?? 0) - FIRST_CALL
    const call = CALLS[index]
    if (reference === undefined || call === undefined || answers.has(index)) continue
    const answer = read?.(call, reference)
    if (answer !== undefined) answers.set(index, answer)
  }
  return answers
}

/** All messages up to where the connection is lost. */
function* messagesIn(
  stream: Uint8Array,
  flags: bigint,
  maxFrameSize: number,
): Generator<Message, void, undefined> {
  const splitter = new FrameSplitter({ headerSize: 4, maxLength: maxFrameSize })
  const decoder = new MessageDecoder(flags, { maxMessageSize: maxFrameSize })
  splitter.push(stream)
  for (;;) {
    let received: Received
    try {
      const frame = splitter.next()
      if (frame === undefined) return
      received = decoder.decode(frame)
    } catch (error) {
      if (error instanceof ControlMessageError) continue
      const isLost = [FrameTooLargeError, HeaderError, FragmentError].some(
        (it) => error instanceof it,
      )
      if (isLost) return
      throw error
    }
    if (received.kind === 'message') yield received
  }
}

type Read = (call: Call, reference: Reference) => Answer | undefined

/** Which call a message may answer, and how; not each message answers each kind of call. */
function answerIn(
  { control, payload }: Message,
  identity: Identity,
): readonly [reference: Reference, read: Read] | undefined {
  if (control.type === 'spawn_reply') {
    const { reqId, result } = control
    if (result instanceof Atom) return [reqId, () => 'failure']
    return [reqId, (call) => (call === 'spawn' ? { value: result } : undefined)]
  }
  const signal = readSignal(control, payload)
  if (!(signal?.to instanceof Pid) || !identity.isCaller(signal.to)) return undefined
  if (signal.type === 'down') return [signal.ref, (call, ref) => readExit(call, ref, signal)]
  if (signal.type !== 'message') return undefined
  const message = tryRead(signal.message)
  if (message === undefined) return readBroken(signal.message)
  if (!isTuple(message, 2)) return undefined
  const [tag, reply] = message.elements
  if (!(tag instanceof Reference) || reply === undefined) return undefined
  return [tag, (call) => readReply(call, reply)]
}

function readExit(
  call: Call,
  reference: Reference,
  { reason }: Signal<UnreadBody> & { readonly type: 'down' },
): Answer | undefined {
  switch (call) {
    case 'rpc':
    case 'spawn':
      return undefined
    case 'by pid':
    case 'by name':
      return 'failure'
    default: {
      const term = tryRead(reason)
      if (isTuple(term) && isReturn(term, reference)) {
        const [, , value] = term.elements
        // One that is not decoded is believed by its head alone, and has three elements.
        const isWhole = call === 'erpc' || term.elements.length === 3
        if (value !== undefined && isWhole) return { value }
      }
      return 'failure'
    }
  }
}

function isReturn({ elements: [ref, kind] }: Tuple, reference: Reference): boolean {
  return ref !== undefined && equals(ref, reference) && isAtom(kind, 'return')
}

/** What cannot be read fails the call whose reference it begins with, as far as that can be. */
function readBroken(message: UnreadBody): readonly [reference: Reference, read: Read] | undefined {
  try {
    const cursor = new TermCursor(message.encoded())
    const tag = cursor.enterTuple() === 2 ? cursor.term() : undefined
    if (!(tag instanceof Reference)) return undefined
    return [tag, (call) => (isAnsweredByMessage(call) ? 'failure' : undefined)]
  } catch (error) {
    if (error instanceof DecodeError || error instanceof MessageTooLargeError) return undefined
    throw error
  }
}

function isAnsweredByMessage(call: Call): boolean {
  return call === 'by pid' || call === 'by name' || call === 'rpc'
}

function readReply(call: Call, reply: Term): Answer | undefined {
  switch (call) {
    case 'by pid':
    case 'by name':
      return { value: reply }
    case 'rpc':
      return isTuple(reply, 2) && isAtom(reply.elements[0], 'badrpc') ? 'failure' : { value: reply }
    default:
      return undefined
  }
}
