/**
 * The port mapper's messages, as its server and its clients read them.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#epmd-protocol
 */
import { EpmdProtocolError } from '../../src/epmd/errors.ts'
import {
  decodeAlive2Response,
  decodeNamesResponse,
  decodePort2Response,
  decodeRequest,
  type EpmdRequest,
  encodeAlive2Request,
  encodeAlive2Response,
  encodeNamesRequest,
  encodeNamesResponse,
  encodePort2Response,
  encodePortPlease2Request,
  MAX_REQUEST_SIZE,
  type NodeEntry,
} from '../../src/epmd/messages.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { attempt, check, once, type Target, type Verdict } from '../target.ts'

const ERRORS = [EpmdProtocolError]

/** `MAXSYMLEN` in `erts/epmd/src/epmd_int.h`. */
const MAX_NAME_SIZE = 1020
const FROM = '127.0.0.1:4369'

const entry: NodeEntry = {
  name: 'rabbit',
  port: 25672,
  kind: 'hidden',
  protocol: 0,
  highestVersion: 6,
  lowestVersion: 5,
  extra: Uint8Array.of(1, 2, 3),
}

/** Port, kind, protocol, versions, name, extra. */
function writeEntry(out: ByteWriter): void {
  const { random } = out
  out.uint16(random.below(0x1_0000))
  out.uint8(random.oneIn(4) ? random.below(256) : random.pick([77, 72]))
  out.uint8(random.below(3))
  out.uint16(random.oneIn(4) ? random.below(0x1_0000) : 6)
  out.uint16(5)
  writeName(out, true)
  const extra = random.oneIn(8) ? random.small(1100) : random.small(8)
  out.uint16(out.count(extra))
  out.noise(extra)
}

function writeName(out: ByteWriter, hasLength: boolean): void {
  const { random } = out
  const name = Buffer.from(
    random.pick(['', 'a', 'rabbit', 'é', 'a b', 'x\ny', 'n'.repeat(1020), 'n'.repeat(1021)]),
  )
  if (hasLength) out.uint16(out.count(name.length))
  out.bytes(name)
  if (random.oneIn(20)) out.noise(random.small(4))
}

export const epmdRequestTarget: Target = {
  name: 'epmd-request',
  title: 'requests, as the server of the port mapper reads them piece by piece',
  seeds: once(() => [
    encodeNamesRequest(),
    encodePortPlease2Request('rabbit'),
    encodeAlive2Request(entry),
    encodeAlive2Request({ ...entry, name: 'n'.repeat(1020), extra: new Uint8Array(1020) }),
  ]),
  generate(out) {
    const { random } = out
    out.uint16(0)
    const which = random.oneIn(12) ? random.below(256) : random.pick([110, 122, 120])
    out.uint8(which)
    if (which === 122) writeName(out, false)
    else if (which === 120) writeEntry(out)
    out.patchUint16(0, out.count(out.length - 2) & 0xffff)
    if (random.oneIn(20)) out.noise(1 + random.small(4))
  },
  run(input): Verdict {
    const request = attempt(ERRORS, () => ({ read: decodeRequest(input, FROM) }))
    const other = decodeRequest(encodePortPlease2Request('other'), FROM)
    check(other?.type === 'port_please2' && other.name === 'other', 'another request is read wrong')
    if (request === undefined) return 'refused'
    const { read } = request
    if (read === undefined) {
      check(input.length < MAX_REQUEST_SIZE, 'more is waited for than a request has')
      return 'refused'
    }
    // Whoever gets it in pieces waits until it is there.
    for (const end of [0, 1, 2, input.length >> 1, input.length - 1]) {
      const part = decodeRequest(input.subarray(0, Math.min(end, input.length - 1)), FROM)
      check(part === undefined, `${end} of ${input.length} bytes are a request`)
    }
    // Longer names are looked up, and never found: nobody can register them.
    if (read.type === 'port_please2' && Buffer.byteLength(read.name) > MAX_NAME_SIZE)
      return 'accepted'
    const again = decodeRequest(encodeRequest(read), FROM)
    check(JSON.stringify(again) === JSON.stringify(read), 'a request is another one when sent on')
    return 'accepted'
  },
}

function encodeRequest(request: EpmdRequest): Uint8Array {
  switch (request.type) {
    case 'names':
      return encodeNamesRequest()
    case 'port_please2':
      return encodePortPlease2Request(request.name)
    case 'alive2':
      return encodeAlive2Request(request.entry)
  }
}

/** The first byte tells which answer is due. */
export const epmdAnswerTarget: Target = {
  name: 'epmd-answer',
  title: 'answers, as clients of the port mapper read them',
  seeds: once(() => [
    Buffer.concat([Buffer.of(0), encodePort2Response(entry)]),
    Buffer.concat([Buffer.of(0), encodePort2Response(undefined)]),
    Buffer.concat([Buffer.of(1), encodeNamesResponse(4369, [entry, { name: 'é', port: 1 }])]),
    Buffer.concat([Buffer.of(2), encodeAlive2Response(entry, 7)]),
    Buffer.concat([Buffer.of(2), encodeAlive2Response({ ...entry, highestVersion: 5 }, undefined)]),
  ]),
  generate(out) {
    const { random } = out
    const due = random.below(3)
    out.uint8(due)
    if (due === 1) {
      out.uint32(random.interesting())
      for (let left = random.oneIn(200) ? 5000 : random.small(5); left > 0; left--) {
        out.text(
          random.oneIn(10)
            ? random.pick(['name ', 'name at port ', '\n', '\u001b[31m'])
            : 'name a at port 1',
        )
        out.text(random.oneIn(20) ? '' : '\n')
      }
      return
    }
    out.uint8(random.oneIn(12) ? random.below(256) : due === 0 ? 119 : random.pick([118, 121]))
    out.uint8(random.small(3))
    if (due === 0) writeEntry(out)
    else out.noise(random.small(6))
  },
  run(input): Verdict {
    const body = input.subarray(1)
    switch ((input[0] ?? 0) % 3) {
      case 0: {
        const answer = attempt(ERRORS, () => decodePort2Response(body, FROM))
        if (answer === undefined) return 'refused'
        if (answer === 'not_registered') return 'accepted'
        check(
          decodePort2Response(body.subarray(0, -1), FROM) === undefined,
          'an answer is read early',
        )
        if (answer.name === '') return 'accepted'
        check(
          Buffer.compare(encodePort2Response(answer), body) === 0,
          'an answer is another one when sent on',
        )
        return 'accepted'
      }
      case 1: {
        const names = attempt(ERRORS, () => decodeNamesResponse(body, FROM))
        if (names === undefined) return 'refused'
        const again = decodeNamesResponse(encodeNamesResponse(1, names), FROM)
        check(JSON.stringify(again) === JSON.stringify(names), 'a list is another one when sent on')
        return 'accepted'
      }
      default: {
        const answer = attempt(ERRORS, () => decodeAlive2Response(body, FROM))
        return answer === undefined ? 'refused' : 'accepted'
      }
    }
  },
}
