/**
 * A port mapper and its clients over real sockets: requests and answers in pieces, cut off anywhere.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#epmd-protocol
 */
import { type EpmdOptions, lookup, names, register } from '../../src/epmd/client.ts'
import { EpmdError } from '../../src/epmd/errors.ts'
import {
  encodeAlive2Request,
  encodeAlive2Response,
  encodeNamesRequest,
  encodeNamesResponse,
  encodePort2Response,
  encodePortPlease2Request,
  type NodeEntry,
} from '../../src/epmd/messages.ts'
import { type EpmdServer, startEpmdServer } from '../../src/epmd/server.ts'
import { NetError } from '../../src/net/errors.ts'
import { connectTcp, listenTcp } from '../../src/net/tcp.ts'
import type { Transport } from '../../src/net/transport.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { mutate } from '../mutate.ts'
import {
  check,
  checkError,
  messagesOf,
  once,
  type Target,
  type Verdict,
  writeMessage,
} from '../target.ts'

const HOST = '127.0.0.1'

const kept: NodeEntry = {
  name: 'kept',
  port: 4711,
  kind: 'hidden',
  protocol: 0,
  highestVersion: 6,
  lowestVersion: 5,
  extra: new Uint8Array(),
}
const other: NodeEntry = { ...kept, name: 'other', extra: Uint8Array.of(1, 2, 3) }

const requests = [
  encodeNamesRequest(),
  encodePortPlease2Request('kept'),
  encodeAlive2Request(other),
  encodeAlive2Request(kept),
]

const answers = [
  encodePort2Response(kept),
  encodePort2Response(undefined),
  encodeNamesResponse(4369, [kept, other]),
  encodeAlive2Response(other, 7),
  encodeAlive2Response(other, undefined),
]

/** Each piece is written by itself. */
function writePieces(out: ByteWriter, valid: readonly Uint8Array[]): void {
  const { random } = out
  for (let left = 1 + random.small(3); left > 0; left--) {
    const whole = random.pick(valid)
    const bytes = random.oneIn(2) ? mutate(whole, random.pick(valid), random) : whole
    const at = random.oneIn(2) ? random.below(bytes.length + 1) : 0
    if (at > 0) writeMessage(out, () => out.bytes(bytes.subarray(0, at)))
    writeMessage(out, () => out.bytes(bytes.subarray(at)))
  }
}

function inPieces(how: number, ...pieces: readonly Uint8Array[]): Uint8Array {
  const parts = pieces.map((it) => [Buffer.of(it.length >> 8, it.length & 0xff), it])
  return Buffer.concat([Buffer.of(how), ...parts.flat()])
}

/** Until a condition holds, or for so many turns of the event loop. */
async function until(condition: () => boolean): Promise<boolean> {
  for (let left = 10_000; left > 0 && !condition(); left--) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  return condition()
}

/** As long as the process lives; it does not keep it alive. */
const server = once(async (): Promise<EpmdServer> => {
  const started = await startEpmdServer()
  started.register(kept)
  return started
})

/** The first byte tells whether the connection is ended in order or cut. */
export const epmdServerTarget: Target = {
  name: 'epmd-server',
  title: 'a port mapper, and a client that says anything over a socket',
  seeds: once(() => [
    ...requests.map((it) => inPieces(0, it)),
    ...requests.map((it) => inPieces(1, it.subarray(0, 3), it.subarray(3))),
  ]),
  generate(out) {
    out.uint8(out.random.below(4))
    writePieces(out, requests)
  },
  async run(input): Promise<Verdict> {
    const epmd = await server()
    const at = { host: HOST, port: epmd.port }
    let answered = false
    let ended = false
    const transport = await connectTcp(at)
    transport.start({
      data: () => {
        answered = true
      },
      end: () => {
        ended = true
      },
    })
    for (const piece of messagesOf(input, 1)) {
      transport.write(piece)
      // Else the system sends them together.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const found = await lookup('kept', at)
    check(found.port === kept.port, 'a name is looked up wrong')
    // As far as it goes, it has been read by now.
    const [how = 0] = input
    if ((how & 1) === 0) transport.close(100)
    else transport.destroy()
    check(await until(() => ended), 'a connection does not end')
    const isAlone = await until(() => epmd.names().length === 1)
    check(isAlone, 'a name stays when its connection is gone')
    return answered ? 'accepted' : 'refused'
  },
}

/** Answers each connection with what `serve` says. */
const answering = once(async () => {
  const state: { serve: (transport: Transport) => void } = { serve: () => {} }
  const listener = await listenTcp({ host: HOST, port: 0 }, (transport) => {
    transport.start({ data: () => state.serve(transport), end() {} })
  })
  listener.unref()
  return { state, port: listener.port }
})

/** The first byte tells what is asked, and how the connection ends. */
export const epmdClientTarget: Target = {
  name: 'epmd-client',
  title: 'clients of a port mapper that answers anything over a socket',
  seeds: once(() => [
    ...answers.map((it, index) => inPieces([0, 0, 1, 2, 2][index] ?? 0, it)),
    ...answers.map((it, index) =>
      inPieces([0, 0, 1, 2, 2][index] ?? 0, it.subarray(0, 2), it.subarray(2)),
    ),
  ]),
  generate(out) {
    out.uint8(out.random.below(6))
    writePieces(out, answers)
  },
  async run(input): Promise<Verdict> {
    const { state, port } = await answering()
    const [how = 0] = input
    let isOpen = false
    state.serve = (transport) => {
      // Only the first connection is answered; who asks for other names hears nothing more.
      if (isOpen) transport.destroy()
      else void answer(transport, input)
      isOpen = true
    }
    try {
      await ask(how % 3, { host: HOST, port })
      return 'accepted'
    } catch (error) {
      checkError([EpmdError, NetError], error)
      return 'refused'
    }
  },
}

async function answer(transport: Transport, input: Uint8Array): Promise<void> {
  for (const piece of messagesOf(input, 1)) {
    transport.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const [how = 0] = input
  if (how % 2 === 0) transport.close(100)
  else transport.destroy()
}

async function ask(what: number, at: EpmdOptions): Promise<void> {
  switch (what) {
    case 0:
      await lookup('kept', at)
      return
    case 1:
      await names(at)
      return
    default: {
      const registration = await register({ name: 'other', port: 1, kind: 'hidden' }, at)
      await registration.close()
    }
  }
}
