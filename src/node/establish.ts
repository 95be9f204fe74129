/**
 * From a transport to a connection: the handshake, from either side.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-handshake
 */
import { AcceptHandshake, type Introduction } from '../dist/accept-handshake.ts'
import { join } from '../dist/chunk-list.ts'
import type { Cookie } from '../dist/cookie.ts'
import { CLIENT_FLAGS } from '../dist/flags.ts'
import { encodeFrame, FrameSplitter, FrameTooLargeError, type Framing } from '../dist/frames.ts'
import {
  Handshake,
  type HandshakeOptions,
  type HandshakeStep,
  type LocalNode,
} from '../dist/handshake.ts'
import type { HandshakeError } from '../dist/handshake-errors.ts'
import type { HandshakeStatus } from '../dist/handshake-messages.ts'
import { startDeadline, type Waiting } from '../net/deadline.ts'
import { TlsError, TlsWantedError } from '../net/errors.ts'
import type { Transport } from '../net/transport.ts'
import { Connection, type ConnectionOptions, type MessageReceiver } from './connection.ts'
import { publish } from './diagnostics.ts'

/** Handshake messages hold a name of at most 255 characters and little else. */
const MAX_HANDSHAKE_MESSAGE = 4096

/** The BEAM's own set-up time, `net_setuptime`. */
const DEFAULT_TIMEOUT = 7_000

/** Why who took a connection may not say a word. */
const NO_ANSWER =
  'the node is there and says nothing: it may be suspended, overloaded, or have no file descriptor left'

interface EstablishOptions extends ConnectionOptions, Waiting {
  /** With `NAME_ME` among the flags, the creation is 0. */
  readonly self: Pick<LocalNode, 'name' | 'creation'>
  readonly cookie: Cookie
  /**
   * Bytes of the length before each message of the handshake: 2 by default, and 4 over TLS, where
   * `inet_tls_dist` sets `{packet, 4}` from the start.
   */
  readonly handshakeHeaderSize?: Framing['headerSize']
}

/**
 * Connects to the node behind a transport.
 *
 * @throws {HandshakeError} when the nodes do not come together
 * @throws {TlsError} when the peer refuses our certificate
 * @throws {TimeoutError} when the handshake takes too long (default 7 s)
 */
export function initiate(
  transport: Transport,
  receiver: MessageReceiver,
  options: EstablishOptions & Pick<HandshakeOptions, 'peer' | 'onAlive'>,
): Promise<Connection> {
  const { peer, cookie, onAlive } = options
  const handshake = new Handshake({ self: describe(options), peer, cookie, onAlive })
  const first = handshake.start()
  return establish(
    transport,
    handshake,
    first,
    receiver,
    `the handshake with ${peer.full}`,
    options,
  )
}

/**
 * Lets the node behind a transport connect to us, if `admit` does.
 *
 * @throws {HandshakeError} when the nodes do not come together
 * @throws {TimeoutError} when the handshake takes too long (default 7 s)
 */
export function accept(
  transport: Transport,
  receiver: MessageReceiver,
  options: EstablishOptions & { readonly admit: (peer: Introduction) => HandshakeStatus },
): Promise<Connection> {
  const { cookie, admit } = options
  const handshake = new AcceptHandshake({ self: describe(options), cookie })
  const party: Party = {
    receive(message) {
      const step = handshake.receive(message)
      return step.type === 'introduced' ? handshake.answer(admit(step.introduction)) : step
    },
    end: (cause) => handshake.end(cause),
  }
  const what = `the handshake of ${transport.remote}`
  return establish(transport, party, undefined, receiver, what, options)
}

function describe({ self, flags = CLIENT_FLAGS }: EstablishOptions): LocalNode {
  return { name: self.name, creation: self.creation, flags }
}

/** Our side of a handshake. */
interface Party {
  receive(message: Uint8Array): HandshakeStep
  end(cause: unknown): HandshakeError
}

function establish(
  transport: Transport,
  party: Party,
  first: Uint8Array | undefined,
  receiver: MessageReceiver,
  what: string,
  options: EstablishOptions,
): Promise<Connection> {
  const { timeout = DEFAULT_TIMEOUT, signal, handshakeHeaderSize: headerSize = 2 } = options
  return new Promise((resolve, reject) => {
    const splitter = new FrameSplitter({ headerSize, maxLength: MAX_HANDSHAKE_MESSAGE })
    let connection: Connection | undefined
    let failed = false
    const start = performance.now()
    const tell = (flags: bigint | undefined, error: unknown): void =>
      publish('beamscope:handshake', () => ({
        address: transport.remote,
        duration: performance.now() - start,
        flags,
        error,
      }))
    const fail = (reason: unknown): void => {
      stop()
      failed = true
      transport.close()
      reject(reason)
      tell(undefined, reason)
    }
    // In one piece: a length that travels alone wakes the peer twice.
    const send = (message: Uint8Array): void => {
      transport.write(join(encodeFrame([message], headerSize)))
    }
    const proceed = (step: HandshakeStep): void => {
      for (const message of step.send) send(message)
      if (step.type === 'failed') fail(step.error)
      if (step.type !== 'done') return
      stop()
      connection = new Connection(transport, splitter, step.connected, receiver, options)
      receiver.open(connection)
      resolve(connection)
      tell(step.connected.flags, undefined)
    }
    const giveUp = (reason: unknown): void => {
      failed = true
      transport.destroy()
      reject(reason)
      tell(undefined, reason)
    }
    const stop = startDeadline(what, timeout, signal, giveUp, NO_ANSWER)
    transport.start({
      data(chunk) {
        if (failed) return
        splitter.push(chunk)
        try {
          while (connection === undefined) {
            const message = failed ? undefined : splitter.next()
            if (message === undefined) return
            proceed(party.receive(message))
          }
          connection.receive()
        } catch (error) {
          fail(isTlsAlert(error) ? new TlsWantedError(transport.remote, error) : error)
        } finally {
          splitter.release()
        }
      },
      drain() {
        connection?.resume()
      },
      end(error) {
        if (connection !== undefined) connection.lost(error)
        // What TLS knows of the reason is more than the handshake could guess.
        else if (!failed) fail(error instanceof TlsError ? error : party.end(error))
      },
    })
    if (first !== undefined) send(first)
  })
}

/**
 * Whether what came is an alert of TLS, type 21 and version 3.x (RFC 8446, 5.1), in place of a length.
 * Nodes of OTP 25 and later send it to whoever connects without TLS; those before just hang up.
 */
function isTlsAlert(error: unknown): boolean {
  return error instanceof FrameTooLargeError && error.length >> 8 === 21
}
