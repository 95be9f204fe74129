/**
 * The messages of the port mapper, as bytes.
 *
 * A decoder takes all that came so far; `undefined` says that more is needed.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#epmd-protocol
 */
import { EpmdProtocolError } from './errors.ts'

const NAMES_REQ = 110
const ALIVE2_X_RESP = 118
const PORT2_RESP = 119
const ALIVE2_REQ = 120
const ALIVE2_RESP = 121
const PORT_PLEASE2_REQ = 122

/** The version that came with OTP 23: the handshake of 64 flag bits, creations of 32 bits. */
export const DISTRIBUTION_VERSION = 6

/** What EPMD takes for a name, and for the extra field: `MAXSYMLEN` in `erts/epmd/src/epmd_int.h`. */
const MAX_FIELD_SIZE = 255 * 4

/** `ALIVE2_REQ` with both fields full, and the length before it. */
export const MAX_REQUEST_SIZE: number = 2 + 13 + 2 * MAX_FIELD_SIZE

/** `normal` nodes are told of to all others; a number is a kind that is not documented. */
export type NodeKind = 'normal' | 'hidden' | number

const NORMAL = 77 // $M
const HIDDEN = 72 // $H

/** What EPMD knows of a node. */
export interface NodeEntry {
  /** The part of the node's name before the `@`. */
  readonly name: string
  /** Where the node listens. */
  readonly port: number
  readonly kind: NodeKind
  /** 0: TCP over IPv4, which nodes over IPv6 and TLS say too. */
  readonly protocol: number
  readonly highestVersion: number
  readonly lowestVersion: number
  readonly extra: Uint8Array
}

/** One line of the list of names. */
export interface RegisteredName {
  readonly name: string
  readonly port: number
}

export type EpmdRequest =
  | { readonly type: 'names' }
  | { readonly type: 'port_please2'; readonly name: string }
  | { readonly type: 'alive2'; readonly entry: NodeEntry }

/** @throws {RangeError} when the name is empty or too long for EPMD */
export function encodePortPlease2Request(name: string): Uint8Array {
  return withLength(Buffer.concat([Buffer.of(PORT_PLEASE2_REQ), field(name)]))
}

export function encodeNamesRequest(): Uint8Array {
  return withLength(Buffer.of(NAMES_REQ))
}

/** @throws {RangeError} when the name is empty, or a field too long for EPMD */
export function encodeAlive2Request(entry: NodeEntry): Uint8Array {
  return withLength(Buffer.concat([Buffer.of(ALIVE2_REQ), encodeEntry(entry)]))
}

/**
 * Decodes what a client sent. EPMD takes one request a connection, so nothing may follow it.
 *
 * @throws {EpmdProtocolError}
 */
export function decodeRequest(bytes: Uint8Array, from: string): EpmdRequest | undefined {
  const reader = new Reader(bytes, from)
  const length = reader.uint16()
  if (length === undefined) return undefined
  if (2 + length > MAX_REQUEST_SIZE) throw reader.error(`a request of ${length} bytes`)
  if (bytes.length > 2 + length) throw reader.error('more than one request')
  if (bytes.length < 2 + length) return undefined
  const tag = reader.uint8()
  switch (tag) {
    case NAMES_REQ:
      return { type: 'names' }
    case PORT_PLEASE2_REQ: {
      const name = reader.text(length - 1)
      if (name === undefined || name === '') throw reader.error('a look-up without a name')
      return { type: 'port_please2', name }
    }
    case ALIVE2_REQ: {
      const entry = reader.entry()
      if (entry === undefined) throw reader.error('a registration that is cut short')
      if (entry.name === '') throw reader.error('a registration without a name')
      return { type: 'alive2', entry }
    }
    default:
      throw reader.error(`a request with the tag ${tag}`)
  }
}

/** `119 Result`, and when there is such a node what `ALIVE2_REQ` gave. */
export function encodePort2Response(entry: NodeEntry | undefined): Uint8Array {
  if (entry === undefined) return Buffer.of(PORT2_RESP, 1)
  return Buffer.concat([Buffer.of(PORT2_RESP, 0), encodeEntry(entry)])
}

/** @throws {EpmdProtocolError} */
export function decodePort2Response(
  bytes: Uint8Array,
  from: string,
): NodeEntry | 'not_registered' | undefined {
  const reader = new Reader(bytes, from)
  const result = reader.result([PORT2_RESP])?.result
  if (result === undefined) return undefined
  if (result !== 0) return 'not_registered'
  const entry = reader.entry()
  if (entry !== undefined) reader.expectEnd()
  return entry
}

/** `EpmdPort:32` and a line for each node. */
export function encodeNamesResponse(port: number, names: Iterable<RegisteredName>): Uint8Array {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(port)
  const lines = Array.from(names, (it) => `name ${it.name} at port ${it.port}\n`)
  return Buffer.concat([head, Buffer.from(lines.join(''))])
}

/**
 * Decodes the list of names, of which only the end of the connection is the end.
 *
 * @throws {EpmdProtocolError} for a line that is none, or cut short
 */
export function decodeNamesResponse(bytes: Uint8Array, from: string): RegisteredName[] {
  const reader = new Reader(bytes, from)
  if (reader.uint32() === undefined) throw reader.error('a list of names that is cut short')
  const lines = (reader.text(bytes.length - 4) ?? '').split('\n')
  if (lines.pop() !== '') throw reader.error('a list of names that is cut short')
  return lines.map((line) => {
    const [, name, port] = /^name (.+) at port (\d{1,5})$/.exec(line) ?? []
    if (name === undefined || port === undefined) throw reader.error('a list with another line')
    return { name, port: Number(port) }
  })
}

/**
 * The answer to a registration: `118 Result Creation:32` to a node that knows version 6, and
 * `121 Result Creation:16` to others.
 *
 * @param creation `undefined` when it is refused
 */
export function encodeAlive2Response(entry: NodeEntry, creation: number | undefined): Uint8Array {
  // Where a creation would stand, EPMD sends 99 to those it refuses.
  const value = creation ?? 99
  const result = creation === undefined ? 1 : 0
  if (entry.highestVersion >= DISTRIBUTION_VERSION) {
    const response = Buffer.of(ALIVE2_X_RESP, result, 0, 0, 0, 0)
    response.writeUInt32BE(value, 2)
    return response
  }
  const response = Buffer.of(ALIVE2_RESP, result, 0, 0)
  response.writeUInt16BE(value, 2)
  return response
}

/**
 * The creation, or that it was refused.
 *
 * @throws {EpmdProtocolError}
 */
export function decodeAlive2Response(
  bytes: Uint8Array,
  from: string,
): { readonly creation: number } | 'refused' | undefined {
  const reader = new Reader(bytes, from)
  const head = reader.result([ALIVE2_X_RESP, ALIVE2_RESP])
  if (head === undefined) return undefined
  const creation = head.tag === ALIVE2_X_RESP ? reader.uint32() : reader.uint16()
  if (creation === undefined) return undefined
  reader.expectEnd()
  return head.result === 0 ? { creation } : 'refused'
}

/** What `ALIVE2_REQ` and `PORT2_RESP` have in common. */
function encodeEntry(entry: NodeEntry): Uint8Array {
  const name = field(entry.name)
  if (entry.extra.length > MAX_FIELD_SIZE) throw new RangeError('the extra field is too long')
  const bytes = Buffer.alloc(12 + name.length + entry.extra.length)
  bytes.writeUInt16BE(entry.port, 0)
  bytes.writeUInt8(kindByte(entry.kind), 2)
  bytes.writeUInt8(entry.protocol, 3)
  bytes.writeUInt16BE(entry.highestVersion, 4)
  bytes.writeUInt16BE(entry.lowestVersion, 6)
  bytes.writeUInt16BE(name.length, 8)
  bytes.set(name, 10)
  bytes.writeUInt16BE(entry.extra.length, 10 + name.length)
  bytes.set(entry.extra, 12 + name.length)
  return bytes
}

function kindByte(kind: NodeKind): number {
  if (typeof kind === 'number') return kind
  return kind === 'normal' ? NORMAL : HIDDEN
}

function kindOf(byte: number): NodeKind {
  if (byte === NORMAL) return 'normal'
  return byte === HIDDEN ? 'hidden' : byte
}

function field(name: string): Uint8Array {
  const bytes = Buffer.from(name)
  if (bytes.length === 0 || bytes.length > MAX_FIELD_SIZE) {
    throw new RangeError(`a name of ${bytes.length} bytes cannot be in EPMD`)
  }
  return bytes
}

function withLength(request: Uint8Array): Uint8Array {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(request.length)
  return Buffer.concat([length, request])
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads forward; `undefined` where the bytes have not come yet. */
class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #from: string
  #position = 0

  constructor(bytes: Uint8Array, from: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#from = from
  }

  uint8(): number | undefined {
    const start = this.#advance(1)
    return start === undefined ? undefined : this.#view.getUint8(start)
  }

  uint16(): number | undefined {
    const start = this.#advance(2)
    return start === undefined ? undefined : this.#view.getUint16(start)
  }

  uint32(): number | undefined {
    const start = this.#advance(4)
    return start === undefined ? undefined : this.#view.getUint32(start)
  }

  /** A copy, since what came may be a part of a larger buffer. */
  bytes(size: number): Uint8Array | undefined {
    const start = this.#advance(size)
    return start === undefined
      ? undefined
      : Uint8Array.from(this.#bytes.subarray(start, start + size))
  }

  text(size: number): string | undefined {
    const bytes = this.bytes(size)
    if (bytes === undefined) return undefined
    try {
      return utf8.decode(bytes)
    } catch {
      throw this.error('a name that is not UTF-8')
    }
  }

  /** The tag and the result, the first two bytes of a response. */
  result(tags: readonly number[]): { readonly tag: number; readonly result: number } | undefined {
    const tag = this.uint8()
    if (tag === undefined) return undefined
    if (!tags.includes(tag)) throw this.error(`a response with the tag ${tag}`)
    const result = this.uint8()
    return result === undefined ? undefined : { tag, result }
  }

  entry(): NodeEntry | undefined {
    const port = this.uint16()
    const kind = this.uint8()
    const protocol = this.uint8()
    const highestVersion = this.uint16()
    const lowestVersion = this.uint16()
    const name = this.#sized((size) => this.text(size))
    const extra = this.#sized((size) => this.bytes(size))
    if (
      port === undefined ||
      kind === undefined ||
      protocol === undefined ||
      highestVersion === undefined ||
      lowestVersion === undefined ||
      name === undefined ||
      extra === undefined
    ) {
      return undefined
    }
    return {
      name,
      port,
      kind: kindOf(kind),
      protocol,
      highestVersion,
      lowestVersion,
      extra,
    }
  }

  expectEnd(): void {
    const rest = this.#bytes.length - this.#position
    if (rest > 0) throw this.error(`${rest} bytes after the response`)
  }

  error(what: string): EpmdProtocolError {
    return new EpmdProtocolError(this.#from, what)
  }

  #sized<T>(read: (size: number) => T): T | undefined {
    const size = this.uint16()
    if (size === undefined) return undefined
    if (size > MAX_FIELD_SIZE) throw this.error(`a field of ${size} bytes`)
    return read(size)
  }

  /** Where the next `size` bytes begin. */
  #advance(size: number): number | undefined {
    const start = this.#position
    if (size > this.#bytes.length - start) {
      // What follows has not come either.
      this.#position = this.#bytes.length
      return undefined
    }
    this.#position += size
    return start
  }
}
