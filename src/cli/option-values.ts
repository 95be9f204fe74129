/**
 * The values of options, from text.
 */
import { InvalidArgumentError } from 'commander'

/** What a timer can wait, in milliseconds: it counts in 32 bits. */
const MAX_DURATION = 2 ** 31 - 1

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

/** `500`, `500ms`, `5s`, `1.5m`: milliseconds. */
export function parseDuration(text: string): number {
  const [, digits = '', unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? []
  const milliseconds = Math.round(Number(digits) * (MILLISECONDS[unit] ?? 1))
  if (digits === '' || milliseconds < 1 || milliseconds > MAX_DURATION) {
    throw new InvalidArgumentError('Write it as 500, 500ms, 5s or 2m.')
  }
  return milliseconds
}

const MAX_PORT = 65_535

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > MAX_PORT) {
    throw new InvalidArgumentError(`A port is a number from 1 to ${MAX_PORT}.`)
  }
  return port
}

export interface Address {
  readonly host: string
  readonly port?: number
}

export type HostMap = ReadonlyMap<string, Address>

/** `[ADDRESS]:PORT`, `ADDRESS:PORT`, or an address alone, where a bare IPv6 address has more colons. */
const ADDRESS_PATTERN =
  /^(?:\[(?<bracketed>[^[\]]+)\]|(?<plain>[^:[\]]+))(?::(?<port>\d+))?$|^(?<ipv6>[^[\]]*:[^[\]]*:[^[\]]*)$/

/** One more `HOST=ADDRESS[:PORT]`. */
export function parseMapping(text: string, before: HostMap = new Map()): HostMap {
  const equals = text.indexOf('=')
  const { bracketed, plain, ipv6, port } =
    ADDRESS_PATTERN.exec(text.slice(equals + 1))?.groups ?? {}
  const host = bracketed ?? plain ?? ipv6
  if (equals < 1 || host === undefined) {
    throw new InvalidArgumentError(
      'Write it as HOST=ADDRESS or HOST=ADDRESS:PORT, and IPv6 as HOST=[::1]:9100.',
    )
  }
  const address = port === undefined ? { host } : { host, port: parsePort(port) }
  return new Map([...before, [text.slice(0, equals), address]])
}
