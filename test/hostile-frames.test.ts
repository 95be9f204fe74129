import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { controlTerm } from '../src/dist/control.ts'
import { CLIENT_FLAGS } from '../src/dist/flags.ts'
import { atom, encode, Pid, type Term, tuple } from '../src/etf/index.ts'
import { serveGenServer } from '../src/node/gen-server-process.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import type { MappedHost } from '../src/node/resolve.ts'
import { uint32, uint64, wire } from './dist/wire.ts'
import { COOKIE, PEER_NAME, ScriptedPeer } from './node/scripted-peer.ts'

const OUR_NAME = 'us@127.0.0.1'
const FRIEND = 'friend@127.0.0.1'
const MAX_FRAME_SIZE = 100_000

/** A frame behind its length. */
function frame(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  const bytes = wire(...parts)
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** `{2, '', Pid}`: a SEND, whose message follows. */
const SEND = wire(104, 3, 97, 2, 119, 0, 88, 119, 1, 'n', uint32(1), uint32(0), uint32(1))

/** The first fragment of so many, without atoms. */
function first(sequence: number, count: number): Uint8Array {
  return frame(131, 69, uint64(sequence), uint64(count), 0, SEND)
}

/** A later one, with one byte. */
function next(sequence: number, left: number): Uint8Array {
  return frame(131, 70, uint64(sequence), uint64(left), 0)
}

/** Where the peer of a test is reached. */
const places = new Map<string, MappedHost>()

let peer: ScriptedPeer
let us: HiddenNode
let friend: HiddenNode
let node: RemoteNode

beforeAll(async () => {
  us = new HiddenNode({
    cookie: COOKIE,
    name: OUR_NAME,
    map: places,
    flags: CLIENT_FLAGS,
    maxFrameSize: MAX_FRAME_SIZE,
  })
  await us.listen({ register: false })
  friend = new HiddenNode({ cookie: COOKIE, name: FRIEND, port: us.port })
  serveGenServer(friend.spawn({ name: 'echo' }), { handleCall: (it) => it }).catch(() => {})
  await friend.connect(OUR_NAME)
})

afterAll(async () => {
  await friend.close()
  await us.close()
})

beforeEach(async () => {
  peer = await ScriptedPeer.start()
  places.set('127.0.0.1', { host: '127.0.0.1', port: peer.port })
  node = await us.connect(PEER_NAME)
})

afterEach(async () => {
  await node.close()
  await peer.close()
})

/** The other connection of the same node. */
async function expectOtherToGoOn(): Promise<void> {
  const other = us.remotes.find(({ name }) => name === FRIEND)
  const request = tuple(atom('are'), atom('you'), atom('there'))
  expect(await other?.genServerCall(atom('echo'), request)).toEqual(request)
}

describe('what no message can follow', () => {
  test.each<readonly [string, string, readonly Uint8Array[]]>([
    [
      'a frame longer than allowed',
      'ERR_FRAME_TOO_LARGE',
      // A length of 2^32 - 1, and nothing else.
      [uint32(0xffff_ffff)],
    ],
    [
      'a reference into the atom cache that was never defined',
      'ERR_DISTRIBUTION_HEADER',
      // One reference: flags of segment 0 and short atoms, not new; slot 5.
      [frame(131, 68, 1, 0x00, 5, SEND, 106)],
    ],
    [
      'more references than there are bytes',
      'ERR_DISTRIBUTION_HEADER',
      [frame(131, 68, 255, 0x88, 0x88)],
    ],
    ['a fragment twice', 'ERR_FRAGMENT', [first(1, 3), next(1, 2), next(1, 2)]],
    ['fragments in another order', 'ERR_FRAGMENT', [first(1, 4), next(1, 2), next(1, 3)]],
    ['a first fragment twice', 'ERR_FRAGMENT', [first(1, 3), first(1, 3)]],
    ['a fragment of no message', 'ERR_FRAGMENT', [next(7, 1)]],
    [
      'a flood of messages that never end',
      'ERR_FRAGMENT',
      Array.from({ length: 1025 }, (_, sequence) => first(sequence, 2)),
    ],
    [
      'a fragment with the number 0',
      'ERR_DISTRIBUTION_HEADER',
      [frame(131, 69, uint64(1), uint64(0), 0, SEND)],
    ],
    [
      'a frame without a header, where one was agreed on',
      'ERR_DISTRIBUTION_HEADER',
      // PASS_THROUGH
      [frame(112, 131, SEND, 131, 106)],
    ],
  ])('ends that connection alone: %s', async (_, code, frames) => {
    const calls = Promise.allSettled([node.call('m', 'f'), node.call('m', 'g')])
    await peer.nth(1)
    peer.transport?.write(Buffer.concat(frames))
    for (const call of await calls) {
      expect(call).toMatchObject({
        status: 'rejected',
        reason: { code: 'ERR_NODE_CONNECTION_LOST', cause: { code } },
      })
    }
    expect(node.isConnected).toBe(false)
    expect(node.counters.callsPending).toBe(0)
    await expectOtherToGoOn()
  })
})

describe('what costs itself alone', () => {
  const theirs = new Pid(atom(PEER_NAME), 77, 0, 1)

  test.each<readonly [string, Uint8Array]>([
    // SMALL_TUPLE_EXT of 4: UNLINK_ID 0, which begin at 1, and two pids
    [
      'an UNLINK_ID of 0',
      frame(131, 68, 0, 104, 4, 97, 35, 97, 0, ...[theirs, theirs].map((it) => bare(it))),
    ],
    // SMALL_TUPLE_EXT of 1: an opcode that does not exist
    ['an unknown control message', frame(131, 68, 0, 104, 1, 97, 99)],
    // LARGE_TUPLE_EXT of 2^31 - 1
    ['a control message of 2^31 - 1 elements', frame(131, 68, 0, 105, uint32(0x7fff_ffff))],
    // COMPRESSED, which claims 4 GiB
    ['a compressed control message', frame(131, 68, 0, 80, uint32(0xffff_ffff), 0x78, 0x9c)],
    // UNLINK_ID_ACK 1 of nobody, with a byte behind it
    [
      'a control message that bytes follow',
      frame(131, 68, 0, 104, 4, 97, 36, 97, 1, bare(theirs), bare(theirs), 106),
    ],
    // SMALL_TUPLE_EXT of 2: LINK from one pid to nobody
    ['a control message that lacks a field', frame(131, 68, 0, 104, 2, 97, 1, bare(theirs))],
  ])('is dropped, and the call under way is answered: %s', async (_, bytes) => {
    const call = node.call('m', 'f')
    const { reqId: ref, from: toPid } = await peer.nthRequest(0)
    peer.transport?.write(bytes)
    const answer = { type: 'payload_monitor_p_exit', fromProc: theirs, toPid, ref } as const
    peer.send(answer, tuple(ref, atom('return'), 1))
    expect(await call).toBe(1)
    expect(node.counters).toMatchObject({ messagesDropped: 1, callsPending: 0 })
    await expectOtherToGoOn()
  })

  test('is a reply that is larger than a message may be, which fails its call', async () => {
    const calls = Promise.allSettled([node.call('m', 'f'), node.call('m', 'g')])
    const large = await peer.nthRequest(0)
    const small = await peer.nthRequest(1)
    const control = { type: 'payload_monitor_p_exit', fromProc: theirs } as const
    const exit = controlTerm({ ...control, toPid: large.from, ref: large.reqId })
    // In two fragments: each within the limit, and not together. BINARY_EXT of twice the limit.
    const half = new Uint8Array(MAX_FRAME_SIZE - 200)
    const head = wire(104, 3, bare(large.reqId), bare(atom('return')), 109, uint32(2 * half.length))
    peer.transport?.write(frame(131, 69, uint64(1), uint64(2), 0, bare(exit), head, half))
    peer.transport?.write(frame(131, 70, uint64(1), uint64(1), half))
    const { reqId: ref, from: toPid } = small
    peer.send({ ...control, toPid, ref }, tuple(ref, atom('return'), 1))
    expect(await calls).toMatchObject([
      { reason: { code: 'ERR_NODE_UNEXPECTED_REPLY', cause: { code: 'ERR_MESSAGE_TOO_LARGE' } } },
      { value: 1 },
    ])
    await expectOtherToGoOn()
  })
})

/** Without the version byte. */
function bare(term: Term): Uint8Array {
  return encode(term).subarray(1)
}
