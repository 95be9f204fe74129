import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ControlMessage, controlTerm } from '../src/dist/control.ts'
import { CLIENT_FLAGS, flag } from '../src/dist/flags.ts'
import { atom, decode, encode, equals, isTuple, Pid, type Term, tuple } from '../src/etf/index.ts'
import { UnexpectedReplyError } from '../src/node/errors.ts'
import { serveGenServer } from '../src/node/gen-server-process.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { uint32, wire } from './dist/wire.ts'
import { type HostileTerm, hostileTerms, messageOf } from './hostile-terms.ts'
import { COOKIE, PEER_NAME, type Received, ScriptedPeer } from './node/scripted-peer.ts'

const OUR_NAME = 'us@127.0.0.1'
const FRIEND = 'friend@127.0.0.1'
const HEADER = flag.DIST_HDR_ATOM_CACHE | flag.FRAGMENTS

/** What a term may cost each time it comes, in milliseconds and bytes: far less than what it claims. */
const MAX_TIME = 10_000
const MAX_MEMORY = 512 * 1024 * 1024

describe('a hostile term', () => {
  test.each(hostileTerms)('is read rightly or refused by the decoder: $name', (term) => {
    const bytes = messageOf(term, tupleHead(1), true)
    if ('value' in term) expect(equals(decode(bytes), tuple(term.value))).toBe(true)
    else expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: term.code }))
  })
})

describe.each([
  ['without a distribution header', 0n],
  ['behind a distribution header', HEADER],
])('a hostile reply, %s', (_, form) => {
  // One connection for all of them: whatever came before, the next one finds it as it was.
  let peer: ScriptedPeer
  let us: HiddenNode
  let friend: HiddenNode
  let node: RemoteNode
  let other: RemoteNode

  beforeAll(async () => {
    peer = await ScriptedPeer.start()
    const flags = (CLIENT_FLAGS & ~HEADER) | form
    us = new HiddenNode({ cookie: COOKIE, name: OUR_NAME, port: peer.port, flags })
    await us.listen({ register: false })
    node = await us.connect(PEER_NAME)
    friend = new HiddenNode({ cookie: COOKIE, name: FRIEND, port: us.port })
    const server = friend.spawn({ name: 'echo' })
    serveGenServer(server, { handleCall: (request) => request }).catch(() => {})
    await friend.connect(OUR_NAME)
    const found = us.remotes.find(({ name }) => name === FRIEND)
    if (found === undefined) throw new Error('the other node is not connected')
    other = found
  })

  afterAll(async () => {
    await friend.close()
    await us.close()
    await peer.close()
  })

  /** A message whose control message is right, and whose payload is these bytes. */
  function send(control: ControlMessage, payload: Uint8Array): void {
    const begin = form === 0n ? wire(/* PASS_THROUGH */ 112, 131) : wire(131, /* header */ 68, 0)
    const frame = Buffer.concat([begin, bare(controlTerm(control)), payload])
    peer.transport?.write(Buffer.concat([uint32(frame.length), frame]))
  }

  /** The message that we sent and for which this holds. */
  async function sent(matches: (it: Received) => boolean): Promise<Received> {
    for (let index = 0; ; index++) {
      const message = await peer.nth(index)
      if (matches(message)) return message
    }
  }

  /** Answers the call of a function. */
  async function exit(name: string, term: HostileTerm): Promise<void> {
    const { control } = await sent(
      ({ payload }) => Array.isArray(payload) && equals(payload[2] ?? 0, atom(name)),
    )
    if (control.type !== 'spawn_request') throw new Error(`${control.type} is no request`)
    const { reqId: ref, from: toPid } = control
    const head = tupleHead(3, ref, atom('return'))
    send(
      { type: 'payload_monitor_p_exit', fromProc: theirs(), toPid, ref },
      messageOf(term, head, form === 0n),
    )
  }

  /** Answers a request to a `gen_server`. */
  async function reply(request: string, term: HostileTerm): Promise<void> {
    const { payload } = await sent(
      (it) => isTuple(it.payload, 3) && equals(it.payload.elements[2] ?? 0, atom(request)),
    )
    const from = isTuple(payload) ? payload.elements[1] : undefined
    const [toPid, tag] = isTuple(from) ? from.elements : []
    if (!(toPid instanceof Pid) || tag === undefined) throw new Error('nobody asks')
    send({ type: 'send', toPid }, messageOf(term, tupleHead(2, tag), form === 0n))
  }

  /** Behind a header nothing is compressed. */
  function codeOf(term: HostileTerm): string {
    const isMisplaced = form !== 0n && term.compressed !== undefined
    return isMisplaced || !('code' in term) ? 'ERR_TERM_INVALID' : term.code
  }

  function theirs(): Pid {
    return new Pid(atom(PEER_NAME), 77, 0, peer.identity.creation)
  }

  test.each(hostileTerms)('is read rightly, or fails that call alone: $name', async (term) => {
    const start = process.cpuUsage()
    const memory = process.memoryUsage.rss()
    const { name } = term
    const before = node.call('m', `before ${name}`)
    const called = node.call('m', name)
    // Whose a reply is stands within it: who sends such a one compressed has the call wait to its end.
    const waiting = term.compressed === undefined ? {} : { timeout: 100 }
    const asked = node.genServerCall(theirs(), atom(name), waiting)
    const relayed = node.callEncoded('m', `encoded ${name}`).then((it) => it.decode())
    const after = node.call('m', `after ${name}`)
    const outcomes = Promise.allSettled([called, relayed])
    const outcomeAsked = Promise.allSettled([asked])
    await exit(name, term)
    await reply(name, term)
    await exit(`encoded ${name}`, term)
    await exit(`after ${name}`, right(2))
    await exit(`before ${name}`, right(1))
    expect(await before).toBe(1)
    expect(await after).toBe(2)
    for (const result of await outcomes) expectOutcome(result, term, codeOf(term))
    const isSealed = term.compressed !== undefined
    for (const result of await outcomeAsked) {
      expectOutcome(result, term, isSealed ? 'ERR_TIMEOUT' : codeOf(term))
    }
    expect(await other.genServerCall(atom('echo'), tuple(atom(name)))).toEqual(tuple(atom(name)))
    expect(node.isConnected).toBe(true)
    expect(node.counters).toMatchObject({ callsPending: 0, messagesDropped: 0 })
    const { user, system } = process.cpuUsage(start)
    expect((user + system) / 1000).toBeLessThan(MAX_TIME)
    expect(process.memoryUsage.rss() - memory).toBeLessThan(MAX_MEMORY)
  })
})

function expectOutcome(result: PromiseSettledResult<Term>, term: HostileTerm, code: string): void {
  if ('value' in term) {
    expect(result.status === 'fulfilled' && equals(result.value, term.value)).toBe(true)
    return
  }
  if (result.status === 'fulfilled') throw new Error('it was taken for a reply')
  const { reason } = result
  // What was not decoded by the call is by whoever reads it.
  const error = reason instanceof UnexpectedReplyError ? reason.cause : reason
  expect(error).toMatchObject({ code })
}

function right(value: Term): HostileTerm {
  return { name: 'right', bytes: bare(value), value }
}

/** A tuple of so many elements, of which the last is left out. */
function tupleHead(arity: number, ...first: readonly Term[]): Uint8Array {
  // SMALL_TUPLE_EXT
  return wire(104, arity, ...first.map(bare))
}

/** Without the version byte. */
function bare(term: Term): Uint8Array {
  return encode(term).subarray(1)
}
