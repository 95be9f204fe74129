/**
 * Frames out of a stream that arrives in pieces of any size.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#protocol-between-connected-nodes
 */
import { FrameSplitter, FrameTooLargeError, type Framing } from '../../src/dist/frames.ts'
import { Random } from '../random.ts'
import { attempt, check, once, type Target, type Verdict } from '../target.ts'

/** Byte 0: the size of the length; 1 and 2: the longest frame; 3: how the stream is split. */
const HEAD = 4

/** Behind it frames are of the other kind, if the input says so. */
const SWITCH_AFTER = 2

export const framesTarget: Target = {
  name: 'frames',
  title: 'streams of frames, split anywhere',
  seeds: once(() => [
    Buffer.from([0, 0x10, 0, 1, 0, 3, 1, 2, 3, 0, 0, 0, 1, 9]),
    Buffer.from([1, 0x10, 0, 2, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 1, 9]),
    Buffer.from([2, 0x10, 0, 3, 0, 1, 5, 0, 1, 6, 0, 0, 0, 1, 9]),
  ]),
  generate(out) {
    const { random } = out
    out.uint8(random.below(4))
    out.uint16(random.oneIn(4) ? random.small(64) : random.oneIn(4) ? 0xffff : 4096)
    out.uint8(random.below(256))
    const isLong = random.oneIn(200)
    for (let left = isLong ? 2000 : 1 + random.small(8); left > 0; left--) {
      const length = random.oneIn(30) ? random.small(5000) : random.small(30)
      if (random.oneIn(2)) out.uint16(out.count(length) & 0xffff)
      else out.uint32(out.count(length))
      out.noise(Math.min(length, isLong ? 10 : length))
    }
  },
  run(input): Verdict {
    const [kind = 0, high = 0, low = 0, split = 0] = input
    const maxLength = high * 256 + low
    const first: Framing = { headerSize: (kind & 1) === 0 ? 2 : 4, maxLength }
    const second: Framing = { headerSize: (kind & 1) === 0 ? 4 : 2, maxLength }
    const stream = input.subarray(HEAD)
    const switches = (kind & 2) !== 0
    const expected = framesOf(stream, first, switches ? second : first)
    const random = new Random(split)
    const splitter = new FrameSplitter(first)
    const frames: Uint8Array[] = []
    let failed = false
    for (let at = 0; at < stream.length && !failed; ) {
      const size = split === 0 ? stream.length : 1 + random.small(split)
      splitter.push(stream.subarray(at, at + size))
      at += size
      while (!failed) {
        const next = attempt([FrameTooLargeError], () => ({ frame: splitter.next() }))
        failed = next === undefined
        if (next?.frame === undefined) break
        frames.push(next.frame)
        if (switches && frames.length === SWITCH_AFTER) splitter.switchTo(second)
      }
      check(splitter.buffered <= maxLength + 4 + size, `${splitter.buffered} bytes are held`)
    }
    check(failed === expected.failed, 'a frame that is too long is told differently')
    check(frames.length === expected.frames.length, 'another number of frames')
    for (const [index, frame] of frames.entries()) {
      check(
        Buffer.compare(frame, expected.frames[index] ?? frame) === 0,
        `frame ${index} is another`,
      )
    }
    if (failed) {
      check(attempt([FrameTooLargeError], () => splitter.next()) === undefined, 'it goes on')
    } else {
      check(splitter.buffered === expected.left, 'bytes were lost')
      check(splitter.remainder().length === expected.left, 'the remainder is another')
    }
    return failed ? 'refused' : 'accepted'
  },
}

/** The same, all at once. */
function framesOf(
  stream: Uint8Array,
  first: Framing,
  second: Framing,
): { readonly frames: readonly Uint8Array[]; readonly failed: boolean; readonly left: number } {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
  const frames: Uint8Array[] = []
  let at = 0
  for (;;) {
    const { headerSize, maxLength } = frames.length < SWITCH_AFTER ? first : second
    if (at + headerSize > stream.length) break
    const length = headerSize === 2 ? view.getUint16(at) : view.getUint32(at)
    if (length > maxLength) return { frames, failed: true, left: 0 }
    if (at + headerSize + length > stream.length) break
    at += headerSize
    frames.push(stream.subarray(at, at + length))
    at += length
  }
  return { frames, failed: false, left: stream.length - at }
}
