/**
 * A node of ours in the middle of its work, and a peer that says what it likes: from the handshake on, with
 * calls, monitors, links and processes under way, while another connection goes on.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html
 */
import { Cookie } from '../../src/dist/cookie.ts'
import { CLIENT_FLAGS, flag } from '../../src/dist/flags.ts'
import { FrameSplitter } from '../../src/dist/frames.ts'
import { HandshakeError } from '../../src/dist/handshake-errors.ts'
import {
  encodeChallenge,
  encodeChallengeAck,
  encodeChallengeReply,
  encodeName,
  encodeStatus,
} from '../../src/dist/handshake-messages.ts'
import { MessageDecoder } from '../../src/dist/message-decoder.ts'
import { MessageEncoder } from '../../src/dist/message-encoder.ts'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { ProtocolError } from '../../src/dist/protocol-error.ts'
import {
  atom,
  DecodeError,
  equals,
  isAtom,
  Pid,
  Reference,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import { NetError } from '../../src/net/errors.ts'
import { Connection } from '../../src/node/connection.ts'
import {
  ConnectionLostError,
  MailboxFullError,
  NotConnectedError,
  ProcessExitedError,
  SilentPeerError,
  UnexpectedReplyError,
} from '../../src/node/errors.ts'
import { accept, initiate } from '../../src/node/establish.ts'
import { serveGenServer } from '../../src/node/gen-server-process.ts'
import { Identity } from '../../src/node/identity.ts'
import { startNetKernel } from '../../src/node/net-kernel.ts'
import type { Process } from '../../src/node/process.ts'
import { Processes } from '../../src/node/processes.ts'
import { RemoteError } from '../../src/node/remote-error.ts'
import { RemoteNode } from '../../src/node/remote-node.ts'
import { type Answer, answersIn } from '../answers-in.ts'
import { ByteWriter } from '../byte-writer.ts'
import {
  CALLS,
  CREATION,
  DIGEST,
  FORMS,
  MONITORS,
  OUR,
  OUR_NAME,
  SALT,
  THEIR,
  THEIR_NAME,
  writeConversation,
} from '../conversation.ts'
import { FakeTransport } from '../fake-transport.ts'
import { mutate } from '../mutate.ts'
import { Random } from '../random.ts'
import { check, checkError, once, PropertyError, type Target, type Verdict } from '../target.ts'
import { timersLeftBy } from '../timers.ts'

const COOKIE = new Cookie('fuzz')
const GOOD_NAME = 'good@localhost'
const MAX_FRAME_SIZE = 64 * 1024

/** What a peer may do, beside what makes the form of its frames. */
const THEIR_FLAGS =
  (CLIENT_FLAGS | flag.MANDATORY_25_DIGEST) & ~(flag.DIST_HDR_ATOM_CACHE | flag.FRAGMENTS)

/** Bytes that arrive together, by the second byte of an input. */
const CHUNKS: readonly number[] = [2 ** 30, 2 ** 30, 1, 7, 64, 500, 1500]

/** By the first byte, beside the form: whether the handshake is a right one, or part of the input. */
const HANDSHAKES = ['right', 'right', 'dialled', 'accepted'] as const

/** What becomes of a call: its result, or why there is none. */
type Outcome = { readonly value: Term } | { readonly error: unknown }

class World {
  readonly identity = new Identity(parseNodeName(OUR_NAME), CREATION)
  readonly #remotes = new Map<string, RemoteNode>()
  readonly processes = new Processes({
    identity: this.identity,
    peer: (node) => {
      const remote = this.#remotes.get(node)
      return remote?.isConnected ? remote : undefined
    },
    beginWait() {},
    endWait() {},
  })
  readonly echo: Process
  #ended: Promise<unknown>

  constructor() {
    startNetKernel(this.processes)
    this.echo = this.processes.spawn({ name: 'echo', keepAlive: false })
    this.#ended = serveGenServer(this.echo, { handleCall: (request) => request }).catch(
      (error: unknown) => error,
    )
  }

  add(connection: Connection): RemoteNode {
    const remote = new RemoteNode(connection, {
      processes: this.processes,
      comesBack: () => false,
      closed() {},
    })
    this.#remotes.set(remote.name, remote)
    return remote
  }

  /** @throws {PropertyError} or what ended the server and must not */
  async close(): Promise<void> {
    this.processes.close()
    const error = await this.#ended
    if (error !== undefined) checkError([ProcessExitedError, MailboxFullError], error)
  }
}

/** A connection on which all is right. */
class GoodConnection {
  readonly #transport = new FakeTransport()
  readonly #flags: bigint
  readonly #encoder: MessageEncoder
  readonly #pid = new Pid(atom(GOOD_NAME), 70, 0, 3)
  readonly remote: RemoteNode

  constructor(world: World, form: bigint) {
    this.#flags = THEIR_FLAGS | form
    this.#encoder = new MessageEncoder(this.#flags)
    const splitter = new FrameSplitter({ headerSize: 4, maxLength: MAX_FRAME_SIZE })
    const peer = { name: parseNodeName(GOOD_NAME), creation: 3, advertisedFlags: this.#flags }
    const self = { name: world.identity.name, creation: CREATION }
    const connected = { peer, self, flags: this.#flags }
    const connection = new Connection(this.#transport, splitter, connected, {
      open() {},
      message: (control, payload) => this.remote.message(control, payload),
      end: (error) => this.remote.lost(error),
    })
    this.#transport.start({
      data(chunk) {
        splitter.push(chunk)
        connection.receive()
        splitter.release()
      },
      end: (error) => connection.lost(error),
    })
    this.remote = world.add(connection)
  }

  /** All that was sent over it. */
  get received(): readonly Sent[] {
    return sentOver(this.#transport.written, this.#flags)
  }

  answer(reference: Reference, value: Term): void {
    const control = { fromProc: this.#pid, toPid: OUR_CALLER, ref: reference } as const
    this.#send(
      { type: 'payload_monitor_p_exit', ...control },
      tuple(reference, atom('return'), value),
    )
  }

  /** Asks the server `echo`, and returns the tag of the reply. */
  #ask(request: Term): Reference {
    const tag = new Reference(atom(GOOD_NAME), 3, [1, 2, 3])
    this.#send(
      { type: 'reg_send', fromPid: this.#pid, toName: atom('echo') },
      tuple(atom('$gen_call'), tuple(this.#pid, tag), request),
    )
    return tag
  }

  #send(...message: Parameters<MessageEncoder['encodeFrames']>): void {
    for (const frame of this.#encoder.encodeFrames(...message).frames) {
      this.#transport.deliver(Buffer.concat(frame))
    }
  }

  /** The server answers, unless the other peer has ended it, as it may. */
  async checkEcho(world: World): Promise<void> {
    const before = this.received.length
    const request = tuple(atom('are'), [atom('you'), 1])
    const tag = this.#ask(request)
    await turn()
    if (world.processes.whereis('echo') === undefined) return
    const answer = this.received[before]?.payload
    check(
      answer !== undefined && equals(answer, tuple(tag, request)),
      'a server does not answer on another connection',
    )
  }

  end(): void {
    this.#transport.end()
  }
}

const OUR_CALLER = new Pid(atom(OUR_NAME), OUR.caller, 0, CREATION)

interface Sent {
  readonly control: { readonly type: string }
  readonly payload: Term | undefined
  readonly reference: Reference | undefined
}

/** What we sent, as a peer reads it: it must be able to. */
function sentOver(chunks: readonly Uint8Array[], flags: bigint): readonly Sent[] {
  const splitter = new FrameSplitter({ headerSize: 4, maxLength: 2 ** 30 })
  splitter.push(Buffer.concat(chunks))
  const decoder = new MessageDecoder(flags)
  const sent: Sent[] = []
  for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
    const received = decoder.decode(frame)
    if (received.kind !== 'message') continue
    const { control, payload } = received
    const reference = control.type === 'spawn_request' ? control.reqId : undefined
    sent.push({ control, payload: payload?.decode(), reference })
  }
  check(splitter.buffered === 0, 'what we sent ends in the middle of a frame')
  return sent
}

/** The calls and whatever else is under way with the peer. */
class Work {
  readonly outcomes: (Outcome | undefined)[] = []
  readonly #process: Process
  readonly #isPeer: boolean

  constructor(world: World, remote: RemoteNode) {
    const process = world.processes.spawn({ keepAlive: false })
    this.#process = process
    this.#isPeer = remote.name === THEIR_NAME
    const server = theirPid(THEIR.server)
    const started = [
      remote.call('m', 'f'),
      remote.callEncoded('m', 'g').then((it) => it.decode()),
      remote.genServerCall(server, atom('request')),
      remote.genServerCall(atom('server'), atom('request')),
      remote.call('m', 'h', [], { protocol: 'rpc' }),
      process.spawn(remote.name, 'm', 's', [], { link: true, monitor: true }).then((it) => it.pid),
    ]
    for (const [index, promise] of started.entries()) {
      this.outcomes.push(undefined)
      promise.then(
        (value) => this.#settle(index, { value }),
        (error: unknown) => this.#settle(index, { error }),
      )
    }
    if (!this.#isPeer) return
    process.monitor(theirPid(THEIR.monitored))
    process.monitor({ name: 'server', node: THEIR_NAME })
    process.alias()
    process.link(theirPid(THEIR.linked))
    process.link(theirPid(THEIR.unlinked))
    process.unlink(theirPid(THEIR.unlinked))
  }

  #settle(index: number, outcome: Outcome): void {
    check(this.outcomes[index] === undefined, 'a call is settled twice')
    this.outcomes[index] = outcome
  }

  /** When the connection is gone: what the process has got, which must tell of each monitor once. */
  async checkMail(): Promise<void> {
    if (!this.#isPeer || this.#process.exitReason !== undefined) return
    this.#process.exit()
    const ended: number[] = []
    for await (const mail of this.#process) {
      if (mail.type === 'down') ended.push(mail.ref.words[0] ?? 0)
    }
    for (const monitor of MONITORS) {
      const times = ended.filter((it) => it === monitor).length
      check(times === 1, `the end of what a monitor watches is told ${times} times`)
    }
  }
}

function theirPid(number: number): Pid {
  return new Pid(atom(THEIR_NAME), number, 0, 7)
}

/** A connection on which the input arrives. */
class FuzzedConnection {
  readonly #transport = new FakeTransport()
  readonly #world: World
  readonly #salt: number
  readonly #handshakeMessages: number
  /** What arrived. */
  #stream: Uint8Array = new Uint8Array()
  #delivered = 0
  #remote: RemoteNode | undefined
  #connection: Connection | undefined
  #work: Work | undefined
  #end: unknown
  #handshakeEnd: unknown

  constructor(world: World, salt: number, isDialled: boolean) {
    this.#world = world
    this.#salt = salt
    this.#handshakeMessages = isDialled ? 3 : 2
    const { identity } = world
    const options = { self: identity, cookie: COOKIE, maxFrameSize: MAX_FRAME_SIZE }
    const receiver = {
      open: (connection: Connection): void => {
        this.#connection = connection
        this.#remote = world.add(connection)
        this.#transport.written.length = 0
        this.#work = new Work(world, this.#remote)
      },
      message: (...message: Parameters<RemoteNode['message']>): void =>
        this.#remote?.message(...message),
      end: (error: ConnectionLostError | NotConnectedError): void => {
        this.#end = error
        this.#remote?.lost(error)
        world.processes.nodeDown(this.#remote?.name ?? '')
      },
    }
    const established = isDialled
      ? initiate(this.#transport, receiver, { ...options, peer: parseNodeName(THEIR_NAME) })
      : accept(this.#transport, receiver, { ...options, admit: () => 'ok' })
    established.catch((error: unknown) => {
      this.#handshakeEnd = error
    })
  }

  /** `stream` in pieces of `size`, with what only we know in place of what stands for it. */
  deliver(stream: Uint8Array, size: number): void {
    const bytes = Buffer.from(stream)
    const salt = Buffer.alloc(4)
    salt.writeUInt32BE(SALT)
    for (let at = bytes.indexOf(salt); at !== -1; at = bytes.indexOf(salt, at + 4)) {
      bytes.writeUInt32BE(this.#salt, at)
    }
    let proof = bytes.indexOf(DIGEST)
    while (this.#delivered < bytes.length) {
      const start = this.#delivered
      if (proof !== -1 && proof <= start) {
        const digest = this.#digest()
        if (digest !== undefined) bytes.set(digest, proof)
        proof = bytes.indexOf(DIGEST, proof + DIGEST.length)
      }
      const end = Math.min(start + size, proof > start ? proof : bytes.length)
      this.#delivered = end
      this.#transport.deliver(bytes.subarray(start, end))
      if (!this.#transport.isOpen) break
    }
    this.#stream = bytes.subarray(0, this.#delivered)
  }

  /** What answers the challenge that we have sent, if we have. */
  #digest(): Uint8Array | undefined {
    for (const message of this.#transport.written) {
      const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
      const tag = message[2]
      // SEND_CHALLENGE_REPLY, SEND_CHALLENGE: the challenge stands behind the tag, or behind the flags.
      if (tag === 0x72 && message.length === 23) return COOKIE.digest(view.getUint32(3))
      if (tag === 0x4e && message.length > 19 && this.#isChallenge(message))
        return COOKIE.digest(view.getUint32(11))
    }
    return undefined
  }

  /** The name that we dial with has the same tag, and comes first. */
  #isChallenge(message: Uint8Array): boolean {
    return this.#transport.written[0] !== message
  }

  /** @throws {PropertyError} and what came out and must not */
  async finish(): Promise<Verdict> {
    await turn()
    const connection = this.#connection
    if (connection === undefined) {
      this.#transport.end()
      await turn()
      checkError([HandshakeError, ProtocolError, NetError], this.#handshakeEnd)
      return 'refused'
    }
    const { flags } = connection.connected
    const stream = behindMessages(this.#stream, this.#handshakeMessages)
    const answers = answersIn(stream, flags, MAX_FRAME_SIZE, this.#world.identity)
    for (const [index, answer] of answers) checkOutcome(CALLS[index], this.#outcome(index), answer)
    this.#transport.end()
    await turn()
    for (const index of CALLS.keys()) {
      const outcome = this.#outcome(index)
      if (!answers.has(index)) checkOutcome(CALLS[index], outcome, 'failure')
    }
    checkEnd(this.#end)
    check(this.#remote?.counters.callsPending === 0, 'a call is pending on a lost connection')
    await this.#work?.checkMail()
    sentOver(this.#transport.written, flags)
    return answers.size > 0 ? 'accepted' : 'refused'
  }

  #outcome(index: number): Outcome | undefined {
    return this.#work?.outcomes[index]
  }
}

function checkOutcome(call = '', outcome: Outcome | undefined, answer: Answer): void {
  if (outcome === undefined) throw new PropertyError(`the call ${call} is not settled`)
  if ('error' in outcome) {
    check(answer === 'failure', `the call ${call} fails, which is answered`)
    // Whoever asked for it encoded decodes it.
    checkError(call === 'encoded' ? [...CALL_ERRORS, DecodeError] : CALL_ERRORS, outcome.error)
    if (outcome.error instanceof ConnectionLostError) checkCause(outcome.error)
    return
  }
  check(answer !== 'failure', `the call ${call}, which fails, is answered`)
  const isSame = answer !== 'failure' && equals(outcome.value, answer.value)
  check(isSame, `the call ${call} has another answer than was sent`)
}

const CALL_ERRORS = [RemoteError, ConnectionLostError, NotConnectedError, UnexpectedReplyError]

/** Why the connection ended must be said by an error of ours as well. */
function checkEnd(end: unknown): void {
  checkError([ConnectionLostError, NotConnectedError], end)
  if (end instanceof ConnectionLostError) checkCause(end)
}

function checkCause({ cause }: ConnectionLostError): void {
  if (cause !== undefined) checkError([ProtocolError, SilentPeerError], cause)
}

/** What stands behind the first messages of a handshake. */
function behindMessages(stream: Uint8Array, count: number): Uint8Array {
  let at = 0
  for (let left = count; left > 0; left--) {
    at += 2 + (((stream[at] ?? 0) << 8) | (stream[at + 1] ?? 0))
  }
  return stream.subarray(at)
}

function framed(...messages: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(messages.flatMap((it) => [Buffer.of(it.length >> 8, it.length & 0xff), it]))
}

/** The handshake of a peer that is dialled, up to where frames begin. */
const rightHandshakes = FORMS.map((form) =>
  framed(
    encodeStatus('ok'),
    encodeChallenge({ flags: THEIR_FLAGS | form, challenge: 2, creation: 7, name: THEIR_NAME }),
    encodeChallengeAck(DIGEST),
  ),
)

/** The same of a peer that dials. */
const rightIntroductions = FORMS.map((form) =>
  framed(
    encodeName({ flags: THEIR_FLAGS | form, creation: 7, name: THEIR_NAME }),
    encodeChallengeReply({ challenge: 2, digest: DIGEST }),
  ),
)

export const conversationTarget: Target = {
  name: 'conversation',
  title:
    'a node with calls, monitors, links and processes under way, and a peer that says anything',
  seeds: once(() =>
    Array.from({ length: 32 }, (_, index) => {
      const out = new ByteWriter(new Random(index))
      writeConversation(out, index % 4)
      return Buffer.concat([Buffer.of(index % 4, index % CHUNKS.length), out.finish()])
    }),
  ),
  generate(out) {
    const { random } = out
    const form = random.below(FORMS.length)
    const handshake = random.oneIn(4) ? random.below(HANDSHAKES.length) : 0
    out.uint8(form | (handshake << 2))
    out.uint8(random.below(CHUNKS.length))
    const beginnings = handshake === 2 ? rightHandshakes : handshake === 3 ? rightIntroductions : []
    const beginning = beginnings[form] ?? new Uint8Array()
    if (random.oneIn(3)) out.bytes(mutate(beginning, random.pick(digests), random))
    else out.bytes(beginning)
    writeConversation(out, form)
  },
  async run(input): Promise<Verdict> {
    let verdict: Verdict = 'refused'
    const left = await timersLeftBy(async () => {
      verdict = await converse(input)
    })
    check(left === 0, 'a timer is left')
    return verdict
  },
}

async function converse(input: Uint8Array): Promise<Verdict> {
  const [options = 0, size = 0] = input
  const form = options % FORMS.length
  const handshake = HANDSHAKES[(options >> 2) % HANDSHAKES.length] ?? 'right'
  const world = new World()
  const good = new GoodConnection(world, FORMS[form] ?? 0n)
  try {
    const answered = good.remote.call('m', 'f')
    // Where something is wrong before, nobody waits for it.
    answered.catch(() => {})
    const [request] = good.received
    const reference = request?.reference
    if (reference === undefined) throw new PropertyError('a call sends no request')
    const fuzzed = new FuzzedConnection(world, reference.words[2] ?? 0, handshake !== 'accepted')
    const beginning = handshake === 'right' ? rightHandshakes[form] : undefined
    const stream = Buffer.concat([beginning ?? new Uint8Array(), input.subarray(2)])
    fuzzed.deliver(stream, CHUNKS[size % CHUNKS.length] ?? 1)
    const verdict = await fuzzed.finish()
    good.answer(reference, atom('right'))
    check(isAtom(await answered, 'right'), 'a call on another connection is answered wrong')
    await good.checkEcho(world)
    return verdict
  } finally {
    good.end()
    await world.close()
  }
}

/** Of an input that has none of its own. */
const digests: readonly Uint8Array[] = [DIGEST, new Uint8Array(16), ...rightHandshakes]

/** Until all that is ready has run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
