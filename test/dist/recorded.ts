/**
 * Frames that an OTP 25.2 node sent, recorded behind the four bytes of their length.
 *
 * `peer@127.0.0.1` is that node; `rec@127.0.0.1` is who recorded, with process 1 and creation 1234567.
 */
import { uint32, wire } from './wire.ts'

const REC = 'rec@127.0.0.1'
const PEER = 'peer@127.0.0.1'

/** SMALL_ATOM_UTF8_EXT */
function atom(name: string): Uint8Array {
  return wire(119, name.length, name)
}

/** NEW_PID_EXT, with the node as it stands on the wire. */
function pid(node: Uint8Array, id: number, creation: number): Uint8Array {
  return wire(88, node, uint32(id), uint32(0), uint32(creation))
}

/** NEWER_REFERENCE_EXT of three words. */
function reference(node: Uint8Array, creation: number, words: readonly number[]): Uint8Array {
  return wire(90, 0, 3, node, uint32(creation), ...words.map(uint32))
}

const rec = pid(atom(REC), 1, 1234567)
const peer = peerPid(93)
const alias = reference(atom(REC), 1234567, [77, 1, 2])

function peerPid(id: number): Uint8Array {
  return pid(atom(PEER), id, 0x5d5231fa)
}

function ref(word: number): Uint8Array {
  return reference(atom(PEER), 0x5d5231fa, [word, 1506279426, 4124014208])
}

/** A token of seq_trace: `{1, 17, Serial, Sender, LastCount}`, SMALL_TUPLE_EXT of SMALL_INTEGER_EXT. */
function token(serial: number, sender: Uint8Array): Uint8Array {
  return wire(104, 5, 97, 1, 97, 17, 97, serial, sender, 97, 0)
}

/** PASS_THROUGH, the version byte, and a SMALL_TUPLE_EXT that begins with a SMALL_INTEGER_EXT. */
function control(arity: number, opcode: number, ...rest: readonly Uint8Array[]): Uint8Array {
  return wire(112, 131, 104, arity, 97, opcode, ...rest)
}

/** The version byte and the term that follows a control message. */
function payload(...term: readonly (number | Uint8Array)[]): Uint8Array {
  return wire(131, ...term)
}

/** NIL_EXT */
const nil = wire(106)

/** The tuple `{m, f, Arity}`, then LIST_EXT of `monitor` and `link` where they are. */
const mfa = (arity: number) => wire(104, 3, atom('m'), atom('f'), 97, arity)
const monitorAndLink = wire(108, uint32(2), atom('monitor'), atom('link'), nil)

/** With the flags that a hidden node likes: SEND_SENDER, EXIT_PAYLOAD, UNLINK_ID, SPAWN, ALIAS. */
export const passedThrough: readonly (readonly [type: string, frame: Uint8Array])[] = [
  ['link', control(3, 1, peer, rec)],
  ['unlink_id', control(4, 35, wire(97, 1), peer, rec)],
  ['monitor_p', control(4, 19, peer, rec, ref(214109))],
  ['demonitor_p', control(4, 20, peer, rec, ref(214109))],
  ['monitor_p', control(4, 19, peer, atom('foo'), ref(214110))],
  ['demonitor_p', control(4, 20, peer, atom('foo'), ref(214110))],
  ['send_sender', wire(control(3, 22, peer, rec), payload(atom('hello')))],
  ['reg_send', wire(control(4, 6, peer, atom(''), atom('reg')), payload(atom('hello')))],
  ['alias_send', wire(control(3, 33, peer, alias), payload(atom('hello')))],
  ['group_leader', control(3, 7, rec, rec)],
  ['payload_exit2', wire(control(3, 26, peer, rec), payload(atom('reason')))],
  [
    'send_sender',
    // SMALL_TUPLE_EXT of an atom and a BINARY_EXT
    wire(
      control(3, 22, peer, rec),
      payload(104, 2, atom('big'), 109, uint32(10), wire('xxxxxxxxxx')),
    ),
  ],
  [
    'spawn_request',
    // The arguments [1, 2] are a STRING_EXT.
    wire(
      control(6, 29, ref(214111), peer, peerPid(72), mfa(2), monitorAndLink),
      payload(107, 0, 2, 1, 2),
    ),
  ],
  ['send_sender', wire(control(4, 23, peer, rec, token(1, peer)), payload(atom('traced')))],
  [
    'reg_send',
    wire(control(5, 16, peer, atom(''), atom('reg'), token(2, peer)), payload(atom('traced'))),
  ],
  ['alias_send', wire(control(4, 34, peer, alias, token(3, peer)), payload(atom('traced')))],
  [
    'spawn_request',
    wire(
      control(7, 30, ref(214112), peer, peerPid(72), mfa(1), nil, token(5, peer)),
      payload(108, uint32(1), atom('a'), nil),
    ),
  ],
  ['payload_exit', wire(control(3, 24, peerPid(94), rec), payload(104, 2, atom('bye'), 97, 1))],
  ['payload_exit', wire(control(4, 25, peer, rec, token(6, peer)), payload(atom('done_traced')))],
  // Without SEND_SENDER, EXIT_PAYLOAD and UNLINK_ID:
  ['unlink', control(3, 4, peerPid(105), rec)],
  ['send', wire(control(3, 2, atom(''), rec), payload(atom('hello')))],
  ['exit2', control(4, 8, peerPid(105), rec, atom('reason'))],
  ['send', wire(control(4, 12, atom(''), rec, token(1, peerPid(105))), payload(atom('traced')))],
  ['exit', control(4, 3, peerPid(106), rec, wire(104, 2, atom('bye'), 97, 1))],
  ['exit', control(5, 13, peerPid(105), rec, token(5, peerPid(105)), atom('done_traced'))],
]

/** With FRAGMENTS alone: a header that announces no atoms, and no version bytes behind it. */
export const withoutAtoms: Uint8Array = wire(
  // version, DIST_HEADER, no references
  ...[131, 68, 0],
  // {22, peer, rec}
  ...[104, 3, 97, 22],
  peerPid(97),
  rec,
  atom('hello'),
)

/** ATOM_CACHE_REF */
const cached = (index: number) => wire(82, index)

/** One connection with FRAGMENTS and DIST_HDR_ATOM_CACHE, in the order of the frames. */
const spawnReply = wire(
  // version, DIST_HEADER, 2 references
  ...[131, 68, 2],
  // 0: new, segment 4. 1: new, segment 7. Short atoms.
  ...[0xfc, 0x00],
  // The slot within the segment, the length, the text.
  ...[0x2f, 13, REC, 0x7c, 14, PEER],
  // {31, ReqId, rec, 2, <0.88.0>}
  ...[104, 5, 97, 31],
  reference(cached(0), 1234567, [1, 0, 0]),
  pid(cached(0), 1, 1234567),
  ...[97, 2],
  pid(cached(1), 88, 0x922cd7b8),
)

const monitorExit = wire(
  // version, DIST_HEADER, 3 references
  ...[131, 68, 3],
  // 0: segment 7, as it was. 1: segment 4, as it was. 2: new, segment 0. Short atoms.
  ...[0x47, 0x08],
  ...[0x7c, 0x2f],
  ...[0x0a, 6, 'return'],
  // {28, <0.88.0>, rec, Ref}
  ...[104, 4, 97, 28],
  pid(cached(0), 88, 0x922cd7b8),
  pid(cached(1), 1, 1234567),
  reference(cached(1), 1234567, [1, 0, 0]),
  // {Ref, return, 'peer@127.0.0.1'}
  ...[104, 3],
  reference(cached(1), 1234567, [1, 0, 0]),
  cached(2),
  cached(0),
)

const longAtom = wire(
  // version, DIST_HEADER, 4 references
  ...[131, 68, 4],
  // 0: segment 7. 1: segment 4. 2: segment 0. 3: new, segment 4. Behind them: long atoms.
  ...[0x47, 0xc0, 0x01],
  ...[0x7c, 0x2f, 0x0a],
  // The length takes two bytes, 300.
  ...[0x33, 0x01, 0x2c, '語'.repeat(100)],
  // {28, <0.91.0>, rec, Ref}
  ...[104, 4, 97, 28],
  pid(cached(0), 91, 0x922cd7b8),
  pid(cached(1), 1, 1234567),
  reference(cached(1), 1234567, [4, 0, 0]),
  // {Ref, return, '語語…'}
  ...[104, 3],
  reference(cached(1), 1234567, [4, 0, 0]),
  cached(2),
  cached(3),
)

/** The sequence: the BEAM takes the sender for it. */
const SEQUENCE = wire(0, 0, 0x02, 0xe0, 0, 0, 0x05, 0xc3)
const digits = wire('0123456789'.repeat(15_000))

const firstFragmentHead = wire(
  // version, DIST_FRAG_HEADER
  ...[131, 69],
  SEQUENCE,
  // the first of three
  ...[0, 0, 0, 0, 0, 0, 0, 3],
  // 3 references, all as they were
  ...[3, 0x47, 0x00, 0x7c, 0x2f, 0x0a],
  // {28, <0.92.0>, rec, Ref}
  ...[104, 4, 97, 28],
  pid(cached(0), 92, 0x922cd7b8),
  pid(cached(1), 1, 1234567),
  reference(cached(1), 1234567, [5, 0, 0]),
  // {Ref, return, <<150000 bytes>>}
  ...[104, 3],
  reference(cached(1), 1234567, [5, 0, 0]),
  cached(2),
  ...[109, 0x00, 0x02, 0x49, 0xf0],
)

/** The frames are 65560, 65554 and 19031 bytes long. */
const inFirst = 65560 - firstFragmentHead.length
const inSecond = 65554 - 18

const firstFragment = wire(firstFragmentHead, digits.subarray(0, inFirst))
const secondFragment = wire(
  // version, DIST_FRAG_CONT
  ...[131, 70],
  SEQUENCE,
  ...[0, 0, 0, 0, 0, 0, 0, 2],
  digits.subarray(inFirst, inFirst + inSecond),
)
const lastFragment = wire(
  ...[131, 70],
  SEQUENCE,
  ...[0, 0, 0, 0, 0, 0, 0, 1],
  digits.subarray(inFirst + inSecond),
)

export interface WithAtomCache {
  readonly spawnReply: Uint8Array
  readonly monitorExit: Uint8Array
  readonly longAtom: Uint8Array
  readonly fragments: readonly Uint8Array[]
  /** What the fragments carry. */
  readonly digits: Uint8Array
}

export const withAtomCache: WithAtomCache = {
  spawnReply,
  monitorExit,
  longAtom,
  fragments: [firstFragment, secondFragment, lastFragment],
  digits,
}
