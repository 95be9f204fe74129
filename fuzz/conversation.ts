/**
 * What a peer says to a node of ours, with calls, monitors, links and processes under way, written by chance.
 *
 * What only the node itself knows when it runs stands there as a placeholder.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */

import { SPAWN_REPLY_LINK, SPAWN_REPLY_MONITOR } from '../src/dist/control.ts'
import { flag } from '../src/dist/flags.ts'
import * as tag from '../src/etf/tags.ts'
import type { ByteWriter } from './byte-writer.ts'
import { writeControl, writeRefs } from './generate-frame.ts'
import { writeAtom, writeNamed, writePid, writeReference, writeTerm } from './generate-term.ts'

export const OUR_NAME = 'us@localhost'
export const THEIR_NAME = 'them@localhost'

/** Our creation, and the last word of our references. */
export const CREATION = 0xc0_ff_ee_07
export const SALT = 0x5e_ed_5e_ed
/** What answers our challenge. */
export const DIGEST: Uint8Array = new Uint8Array(16).fill(0xd1)

/** The calls under way, in the order in which they are made: the numbers of their references follow each other. */
export const CALLS = ['erpc', 'encoded', 'by pid', 'by name', 'rpc', 'spawn'] as const
/** One call is under way on another connection. */
export const FIRST_CALL = 2
const SPAWN: number = FIRST_CALL + CALLS.length - 1
export const MONITORS: readonly number[] = [SPAWN + 1, SPAWN + 2]
const ALIAS: number = SPAWN + 3
const MOST_REFERENCES = ALIAS + 1

/** Numbers of pids. */
export const OUR = { caller: 1, netKernel: 2, echo: 3, process: 4 } as const
export const THEIR = { server: 90, monitored: 91, linked: 92, unlinked: 93 } as const

/** With each of these the frames have another form, by the first byte of an input. */
export const FORMS: readonly bigint[] = [
  0n,
  flag.DIST_HDR_ATOM_CACHE,
  flag.FRAGMENTS,
  flag.FRAGMENTS | flag.DIST_HDR_ATOM_CACHE,
]

/** Frames of a conversation, each behind its length. */
export function writeConversation(out: ByteWriter, form: number): void {
  const { random } = out
  const numbers = { sequence: 1 }
  if (random.oneIn(3)) writeAnswers(out, form)
  for (let left = 1 + random.small(12); left > 0; left--) {
    if (random.oneIn(30)) out.uint32(0)
    else writeMessageFrames(out, form, numbers)
  }
}

/** Most calls are answered rightly, in any order; some of them twice. */
function writeAnswers(out: ByteWriter, form: number): void {
  const { random } = out
  for (let left = 4 + random.below(8); left > 0; left--) {
    const index = random.below(CALLS.length)
    writeFrame(out, () => {
      if (form === 0) out.uint8(112)
      else out.bytes(Uint8Array.of(tag.VERSION, 68, 0))
      writeAnswer(out, CALLS[index] ?? 'erpc', FIRST_CALL + index, form === 0)
    })
  }
}

function writeAnswer(
  out: ByteWriter,
  call: (typeof CALLS)[number],
  number: number,
  hasVersions: boolean,
): void {
  const version = (): void => {
    if (hasVersions) out.uint8(tag.VERSION)
  }
  version()
  switch (call) {
    case 'erpc':
    case 'encoded':
      // PAYLOAD_MONITOR_P_EXIT
      writeTuple(out, 5)
      writeSmall(out, 28)
      writeTheirPid(out, THEIR.server)
      writeOurPid(out, OUR.caller)
      writeOurReference(out, number)
      version()
      writeTuple(out, 3)
      writeOurReference(out, number)
      writeNamed(out, 'return')
      writeTerm(out, 1)
      return
    case 'spawn':
      // SPAWN_REPLY
      writeTuple(out, 5)
      writeSmall(out, 31)
      writeOurReference(out, number)
      writeOurPid(out, OUR.process)
      writeSmall(out, SPAWN_REPLY_LINK | SPAWN_REPLY_MONITOR)
      writeTheirPid(out, THEIR.server)
      return
    default:
      // SEND_SENDER
      writeTuple(out, 3)
      writeSmall(out, 22)
      writeTheirPid(out, THEIR.server)
      writeOurPid(out, OUR.caller)
      version()
      writeTuple(out, 2)
      writeOurReference(out, number)
      writeTerm(out, 1)
  }
}

/** One message, in one frame or in fragments, which may be mixed up. */
function writeMessageFrames(out: ByteWriter, form: number, numbers: { sequence: number }): void {
  const { random } = out
  const isForeign = out.lies > 0 && random.oneIn(out.lies * 4)
  const kind = isForeign ? random.below(4) : form
  const pieces = kind >= 2 && random.oneIn(4) ? 2 + random.small(4) : 1
  if (pieces === 1) {
    writeFrame(out, () => {
      if (kind === 0) out.uint8(112)
      else {
        out.uint8(tag.VERSION)
        out.uint8(68)
        writeHeader(out, kind)
      }
      writeMessage(out, kind === 0)
    })
    return
  }
  const sequence = random.oneIn(10) ? random.below(4) : numbers.sequence++
  for (let piece = pieces; piece > 0; piece--) {
    const number = random.oneIn(30) ? random.below(6) : piece
    const times = random.oneIn(40) ? 2 : random.oneIn(60) ? 0 : 1
    for (let left = times; left > 0; left--) {
      writeFrame(out, () => {
        out.uint8(tag.VERSION)
        out.uint8(number === pieces ? 69 : 70)
        out.uint64(BigInt(sequence))
        out.uint64(BigInt(out.count(number)))
        if (number === pieces) {
          writeHeader(out, kind)
          writeMessage(out, false, pieces - 1)
        } else out.noise(PIECE)
      })
    }
  }
}

/** Bytes of a fragment behind the first. */
const PIECE = 5

function writeHeader(out: ByteWriter, kind: number): void {
  if ((kind & 1) === 1 && out.random.oneIn(4)) writeRefs(out)
  else out.uint8(0)
}

function writeFrame(out: ByteWriter, write: () => void): void {
  const start = out.length
  out.uint32(0)
  write()
  out.patchUint32(start, out.count(out.length - start - 4))
}

/** `missing`: how many fragments are still to come, which hold the rest of a binary. */
function writeMessage(out: ByteWriter, hasVersions: boolean, missing = 0): void {
  const { random } = out
  const version = (): void => {
    if (hasVersions) out.uint8(tag.VERSION)
  }
  /** The payload; where there is more to come, a binary in place of what it says. */
  const payload = (write: () => void): void => {
    version()
    if (missing === 0) {
      write()
      return
    }
    out.uint8(tag.BINARY)
    out.uint32(out.count(missing * PIECE))
  }
  version()
  const call = FIRST_CALL + random.below(CALLS.length)
  switch (random.below(15)) {
    case 0:
    case 1:
    case 2:
      // PAYLOAD_MONITOR_P_EXIT: what erpc answers with.
      writeTuple(out, 5)
      writeSmall(out, 28)
      writeTheirPid(out, THEIR.server)
      writeOurPid(out, random.oneIn(20) ? OUR.process : OUR.caller)
      writeOurReference(out, random.oneIn(20) ? random.below(MOST_REFERENCES) : call)
      payload(() => writeReason(out, call))
      return
    case 3:
      // MONITOR_P_EXIT, with the reason in it.
      writeTuple(out, 5)
      writeSmall(out, 21)
      writeTheirPid(out, THEIR.server)
      writeOurPid(out, OUR.caller)
      writeOurReference(out, call)
      writeReason(out, call)
      return
    case 4:
    case 5:
      // SEND_SENDER: what `rex` and a gen_server answer with.
      writeTuple(out, 3)
      writeSmall(out, 22)
      writeTheirPid(out, THEIR.server)
      writeOurPid(out, OUR.caller)
      payload(() => {
        writeTuple(out, 2)
        writeOurReference(out, random.oneIn(20) ? random.below(MOST_REFERENCES) : call)
        writeReply(out)
      })
      return
    case 6:
      // SPAWN_REPLY
      writeTuple(out, 5)
      writeSmall(out, 31)
      writeOurReference(out, random.oneIn(3) ? call : SPAWN)
      writeOurPid(out, call === SPAWN ? OUR.process : OUR.caller)
      writeSmall(out, random.pick([0, SPAWN_REPLY_LINK, SPAWN_REPLY_MONITOR, 3]))
      if (random.oneIn(2)) writeTheirPid(out, THEIR.server)
      else writeNamed(out, random.pick(['noproc', 'system_limit', 'undef']))
      return
    case 7:
      writeRequest(out, payload)
      return
    case 8:
      // REG_SEND to a server of ours.
      writeTuple(out, 4)
      writeSmall(out, 6)
      writeTheirPid(out, THEIR.server)
      writeNamed(out, '')
      writeNamed(out, random.pick(['net_kernel', 'echo', 'nobody', 'rex']))
      payload(() => writeGenCall(out))
      return
    case 9:
    case 11:
    case 12:
      writeSignal(out, payload)
      return
    case 10:
      // ALIAS_SEND, ALTACT_SIG_SEND
      if (random.oneIn(2)) {
        writeTuple(out, 3)
        writeSmall(out, 33)
        writeTheirPid(out, THEIR.server)
      } else {
        writeTuple(out, 4)
        writeSmall(out, 37)
        writeSmall(out, random.below(16))
        writeTheirPid(out, THEIR.server)
      }
      writeOurReference(out, random.oneIn(4) ? random.below(MOST_REFERENCES) : ALIAS)
      payload(() => writeTerm(out, 2))
      return
    default:
      writeControl(out)
      if (random.oneIn(2)) payload(() => writeTerm(out, 2))
  }
}

/** The end of a process that makes a call: `{Ref, return, Value}` and its kin. */
function writeReason(out: ByteWriter, call: number): void {
  const { random } = out
  switch (random.below(8)) {
    case 0:
      writeNamed(out, random.pick(['noconnection', 'noproc', 'killed', 'normal']))
      return
    case 1:
      writeTerm(out, 3)
      return
    case 2:
      writeTuple(out, 4)
      writeOurReference(out, call)
      writeNamed(out, 'error')
      writeTerm(out, 1)
      writeTerm(out, 2)
      return
    case 3:
      writeTuple(out, 3)
      writeOurReference(out, random.oneIn(4) ? random.below(MOST_REFERENCES) : call)
      writeNamed(out, random.pick(['throw', 'exit', 'error', 'shrug']))
      writeTerm(out, 2)
      return
    default:
      writeTuple(out, 3)
      writeOurReference(out, call)
      writeNamed(out, 'return')
      writeTerm(out, 3)
  }
}

function writeReply(out: ByteWriter): void {
  if (!out.random.oneIn(4)) {
    writeTerm(out, 2)
    return
  }
  writeTuple(out, 2)
  writeNamed(out, 'badrpc')
  if (out.random.oneIn(2)) writeNamed(out, 'nodedown')
  else {
    writeTuple(out, 2)
    writeNamed(out, 'EXIT')
    writeTerm(out, 2)
  }
}

/** `{'$gen_call', {From, Tag}, Request}`, with tags of all releases. */
function writeGenCall(out: ByteWriter): void {
  const { random } = out
  if (random.oneIn(8)) {
    writeTuple(out, 2)
    writeNamed(out, '$gen_cast')
    writeTerm(out, 1)
    return
  }
  writeTuple(out, 3)
  writeNamed(out, '$gen_call')
  writeTuple(out, 2)
  writeTheirPid(out, THEIR.server)
  switch (random.below(4)) {
    case 0:
      // [alias | Ref]
      out.uint8(tag.LIST)
      out.uint32(out.count(1))
      writeNamed(out, 'alias')
      writeTheirReference(out)
      break
    case 1:
      // [[alias | Ref] | _]
      out.uint8(tag.LIST)
      out.uint32(1)
      out.uint8(tag.LIST)
      out.uint32(1)
      writeNamed(out, 'alias')
      writeTheirReference(out)
      writeTerm(out, 1)
      break
    case 2:
      writeTheirReference(out)
      break
    default:
      writeTerm(out, 2)
  }
  if (random.oneIn(2)) writeTerm(out, 2)
  else {
    writeTuple(out, 2)
    writeNamed(out, 'is_auth')
    writeNamed(out, THEIR_NAME)
  }
}

/** What is asked of the group leader, or of the node. */
function writeRequest(out: ByteWriter, payload: (write: () => void) => void): void {
  const { random } = out
  if (random.oneIn(2)) {
    // SPAWN_REQUEST
    writeTuple(out, 6)
    writeSmall(out, 29)
    writeTheirReference(out)
    writeTheirPid(out, THEIR.server)
    writeTheirPid(out, THEIR.server)
    writeTuple(out, 3)
    writeNamed(out, 'm')
    writeNamed(out, 'f')
    writeSmall(out, 0)
    out.uint8(tag.NIL)
    payload(() => out.uint8(tag.NIL))
    return
  }
  // SEND
  writeTuple(out, 3)
  writeSmall(out, 2)
  writeNamed(out, '')
  writeOurPid(out, OUR.caller)
  payload(() => {
    writeTuple(out, 4)
    writeNamed(out, 'io_request')
    writeTheirPid(out, THEIR.server)
    if (random.oneIn(3)) writeTerm(out, 2)
    else writeTheirReference(out)
    if (random.oneIn(3)) writeTerm(out, 2)
    else {
      writeTuple(out, 3)
      writeNamed(out, random.pick(['put_chars', 'get_line', 'requests', 'get_geometry']))
      writeNamed(out, 'unicode')
      writeTerm(out, 1)
    }
  })
}

/** What processes say to each other beside messages. */
function writeSignal(out: ByteWriter, payload: (write: () => void) => void): void {
  const { random } = out
  const ours = random.oneIn(2) ? OUR.process : random.below(6)
  const theirs = random.pick(Object.values(THEIR))
  switch (random.below(8)) {
    case 0:
      // LINK
      writeTuple(out, 3)
      writeSmall(out, 1)
      writeTheirPid(out, theirs)
      writeOurPid(out, ours)
      return
    case 1:
      // UNLINK_ID, UNLINK_ID_ACK
      writeTuple(out, 4)
      writeSmall(out, random.oneIn(2) ? 35 : 36)
      writeSmall(out, random.below(3))
      writeTheirPid(out, theirs)
      writeOurPid(out, ours)
      return
    case 2:
      // MONITOR_P, DEMONITOR_P
      writeTuple(out, 4)
      writeSmall(out, random.oneIn(2) ? 19 : 20)
      writeTheirPid(out, theirs)
      if (random.oneIn(2)) writeOurPid(out, ours)
      else writeNamed(out, random.pick(['net_kernel', 'echo', 'nobody']))
      writeTheirReference(out)
      return
    case 3:
      // PAYLOAD_EXIT, PAYLOAD_EXIT2
      writeTuple(out, 3)
      writeSmall(out, random.pick([24, 26]))
      writeTheirPid(out, theirs)
      writeOurPid(out, ours)
      payload(() => {
        if (random.oneIn(2)) writeNamed(out, random.pick(['normal', 'kill', 'killed', 'shutdown']))
        else writeTerm(out, 2)
      })
      return
    case 4:
    case 5:
      // PAYLOAD_MONITOR_P_EXIT, of a monitor
      writeTuple(out, 5)
      writeSmall(out, 28)
      if (random.oneIn(2)) writeTheirPid(out, THEIR.monitored)
      else writeNamed(out, 'server')
      writeOurPid(out, OUR.process)
      writeOurReference(out, random.pick(MONITORS))
      payload(() => writeTerm(out, 1))
      return
    default:
      // SEND_SENDER
      writeTuple(out, 3)
      writeSmall(out, 22)
      writeTheirPid(out, theirs)
      writeOurPid(out, ours)
      payload(() => (random.oneIn(2) ? writeGenCall(out) : writeTerm(out, 3)))
  }
}

function writeTuple(out: ByteWriter, arity: number): void {
  out.uint8(tag.SMALL_TUPLE)
  out.uint8(out.count(arity))
}

function writeSmall(out: ByteWriter, value: number): void {
  out.uint8(tag.SMALL_INTEGER)
  out.uint8(out.count(value))
}

/** Few are written in another way than those that have to be found again. */
function writeOurPid(out: ByteWriter, number: number): void {
  if (out.random.oneIn(100)) writePid(out)
  else writePidOf(out, OUR_NAME, number, CREATION)
}

function writeTheirPid(out: ByteWriter, number: number): void {
  if (out.random.oneIn(100)) writePid(out)
  else writePidOf(out, THEIR_NAME, number, 7)
}

function writePidOf(out: ByteWriter, node: string, number: number, creation: number): void {
  out.uint8(tag.NEW_PID)
  if (out.random.oneIn(100)) writeAtom(out)
  else writeNamed(out, node)
  out.uint32(number)
  out.uint32(0)
  out.uint32(creation)
}

function writeOurReference(out: ByteWriter, number: number): void {
  if (out.random.oneIn(100)) writeReference(out)
  else writeReferenceOf(out, OUR_NAME, [number, 0, SALT], CREATION)
}

function writeTheirReference(out: ByteWriter): void {
  if (out.random.oneIn(60)) writeReference(out)
  else writeReferenceOf(out, THEIR_NAME, [out.random.below(4), 2, 3], 7)
}

function writeReferenceOf(
  out: ByteWriter,
  node: string,
  words: readonly number[],
  creation: number,
): void {
  out.uint8(tag.NEWER_REFERENCE)
  out.uint16(words.length)
  writeNamed(out, node)
  out.uint32(creation)
  for (const word of words) out.uint32(word)
}
