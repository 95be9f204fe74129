/**
 * Asks a port mapper, and registers in it.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#epmd-protocol
 */
import { BeamscopeError } from '../errors.ts'
import { checkTimeout, startDeadline, type Waiting } from '../net/deadline.ts'
import { ConnectionRefusedError } from '../net/errors.ts'
import { connectTcp, type Endpoint, formatEndpoint } from '../net/tcp.ts'
import type { Transport } from '../net/transport.ts'
import {
  DistributionVersionError,
  EpmdClosedError,
  EpmdProtocolError,
  NameNotRegisteredError,
  NoEpmdError,
  RegistrationRefusedError,
} from './errors.ts'
import {
  DISTRIBUTION_VERSION,
  decodeAlive2Response,
  decodeNamesResponse,
  decodePort2Response,
  encodeAlive2Request,
  encodeNamesRequest,
  encodePortPlease2Request,
  type NodeEntry,
  type NodeKind,
  type RegisteredName,
} from './messages.ts'

/** Where EPMD is, and how long its whole answer may take (default 5 s). */
export type EpmdOptions = Endpoint & Waiting

/** What to register. */
export interface Registrant {
  /** The part of the node's name before the `@`. */
  readonly name: string
  /** Where the node listens. */
  readonly port: number
  readonly kind: NodeKind
}

/** A name that is registered as long as EPMD sees the connection open; closing it takes the name back. */
export interface Registration extends AsyncDisposable {
  readonly creation: number
  /** Resolves when the connection is gone, and the name with it: closed here, or EPMD ended. */
  readonly ended: Promise<void>
  /** Harmless when repeated. */
  close(): Promise<void>
}

const DEFAULT_TIMEOUT = 5_000

/** More than the largest `PORT2_RESP`: two fields of 1020 bytes and what stands around them. */
const MAX_RESPONSE_SIZE = 4096

/** A list of more than 10,000 names. */
const MAX_NAMES_SIZE = 1024 * 1024

/**
 * Where a node listens, by the part of its name before the `@`.
 *
 * @throws {NoEpmdError} when no EPMD is there
 * @throws {NameNotRegisteredError} when it does not know the name; with those that it knows
 * @throws {DistributionVersionError} when the node is from before OTP 23
 * @throws {TimeoutError} when the answer takes too long
 * @throws {EpmdProtocolError | EpmdClosedError} when something else answers, or does not
 * @throws {NetError} when there is no connection for another reason
 */
export function lookup(name: string, options: EpmdOptions): Promise<NodeEntry> {
  const address = formatEndpoint(options)
  const what = `looking up ${name} in the EPMD at ${address}`
  return within(what, options, async (signal) => {
    const { answer, transport } = await ask(options, signal, {
      bytes: encodePortPlease2Request(name),
      maxSize: MAX_RESPONSE_SIZE,
      read: (bytes) => decodePort2Response(bytes, address),
      ifClosed: 'what listens there may be no EPMD, or one that does not take the name',
    })
    // It is answered: whoever dials many nodes has one socket for each, and not another that still closes.
    transport.destroy()
    if (answer === 'not_registered') {
      throw new NameNotRegisteredError(name, address, await otherNames(options, signal))
    }
    const { lowestVersion, highestVersion } = answer
    // Nodes that speak older versions as well give a lower one: OTP 25 says 5 to 6.
    if (highestVersion < DISTRIBUTION_VERSION || lowestVersion > DISTRIBUTION_VERSION) {
      throw new DistributionVersionError(name, address, lowestVersion, highestVersion)
    }
    return answer
  })
}

/**
 * The nodes that are registered.
 *
 * @throws as {@link lookup}, but for what concerns one name
 */
export function names(options: EpmdOptions): Promise<RegisteredName[]> {
  const what = `asking the EPMD at ${formatEndpoint(options)} for its names`
  return within(what, options, (signal) => askNames(options, signal))
}

/**
 * Registers a node of version 6 and keeps the connection open.
 *
 * @throws {RegistrationRefusedError} when EPMD does not take the name
 * @throws as {@link lookup} otherwise
 */
export function register(registrant: Registrant, options: EpmdOptions): Promise<Registration> {
  const address = formatEndpoint(options)
  const { name } = registrant
  const what = `registering ${name} in the EPMD at ${address}`
  const entry: NodeEntry = {
    ...registrant,
    protocol: 0,
    highestVersion: DISTRIBUTION_VERSION,
    lowestVersion: DISTRIBUTION_VERSION,
    extra: new Uint8Array(),
  }
  return within(what, options, async (signal) => {
    const { answer, transport, ended } = await ask(options, signal, {
      bytes: encodeAlive2Request(entry),
      maxSize: MAX_RESPONSE_SIZE,
      read: (bytes) => decodeAlive2Response(bytes, address),
      ifClosed: 'EPMD registers only nodes on its own machine',
    })
    if (answer === 'refused') {
      transport.close()
      throw new RegistrationRefusedError(name, address)
    }
    const close = (): Promise<void> => {
      // There is nothing to send, and the end of the program need not wait for EPMD to close as well.
      transport.destroy()
      return ended
    }
    return { creation: answer.creation, ended, close, [Symbol.asyncDispose]: close }
  })
}

async function askNames(options: EpmdOptions, signal: AbortSignal): Promise<RegisteredName[]> {
  const address = formatEndpoint(options)
  const { answer } = await ask(options, signal, {
    bytes: encodeNamesRequest(),
    maxSize: MAX_NAMES_SIZE,
    readsAtEnd: true,
    read: (bytes) => decodeNamesResponse(bytes, address),
    ifClosed: 'what listens there may be no EPMD',
  })
  return answer
}

/** For a hint only, so a failure takes nothing from the error that the hint is for. */
async function otherNames(
  options: EpmdOptions,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    return (await askNames(options, signal)).map((it) => it.name).sort()
  } catch (error) {
    if (error instanceof BeamscopeError) return undefined
    throw error
  }
}

/** Gives an action a signal that is aborted with the caller's, or when its time is over. */
async function within<Result>(
  what: string,
  { timeout = DEFAULT_TIMEOUT, signal }: Waiting,
  action: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  checkTimeout('timeout', timeout)
  const controller = new AbortController()
  const stop = startDeadline(what, timeout, signal, (reason) => controller.abort(reason))
  try {
    return await action(controller.signal)
  } finally {
    stop()
  }
}

interface Question<Answer> {
  readonly bytes: Uint8Array
  /** What the answer may grow to. */
  readonly maxSize: number
  /** Whether only the end of the connection ends the answer. */
  readonly readsAtEnd?: true
  /** The answer in what came so far, `undefined` if it is not whole. */
  readonly read: (bytes: Uint8Array) => Answer | undefined
  /** The hint for a connection that ends before that. */
  readonly ifClosed: string
}

interface Answered<Answer> {
  readonly answer: Answer
  readonly transport: Transport
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>
}

/** Opens a connection, sends a request and waits for the whole answer. */
async function ask<Answer>(
  { host, port, timeout = DEFAULT_TIMEOUT }: EpmdOptions,
  signal: AbortSignal,
  question: Question<Answer>,
): Promise<Answered<Answer>> {
  const transport = await connect({ host, port, timeout, signal })
  if (signal.aborted) {
    transport.destroy()
    throw signal.reason
  }
  const address = formatEndpoint({ host, port })
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let size = 0
    let settled = false
    let finish = (): void => {}
    const ended = new Promise<void>((resolveEnded) => {
      finish = resolveEnded
    })
    const settle = (): void => {
      settled = true
      signal.removeEventListener('abort', abort)
    }
    const fail = (error: unknown): void => {
      settle()
      transport.destroy()
      reject(error)
    }
    const abort = (): void => fail(signal.reason)
    const read = (): void => {
      try {
        const answer = question.read(Buffer.concat(chunks))
        if (answer === undefined) return
        settle()
        resolve({ answer, transport, ended })
      } catch (error) {
        fail(error)
      }
    }
    signal.addEventListener('abort', abort)
    transport.start({
      data(chunk) {
        if (settled) return
        chunks.push(new Uint8Array(chunk))
        size += chunk.length
        if (size > question.maxSize) {
          fail(new EpmdProtocolError(address, `an answer of more than ${question.maxSize} bytes`))
        } else if (question.readsAtEnd === undefined) {
          read()
        }
      },
      end(cause) {
        finish()
        if (!settled && question.readsAtEnd && size > 0 && cause === undefined) read()
        if (!settled) fail(new EpmdClosedError(address, question.ifClosed, cause))
      },
    })
    transport.write(question.bytes)
  })
}

async function connect(endpoint: EpmdOptions): Promise<Transport> {
  try {
    return await connectTcp(endpoint)
  } catch (error) {
    if (error instanceof ConnectionRefusedError) throw new NoEpmdError(error.address, error)
    throw error
  }
}
