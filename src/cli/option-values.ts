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

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1_000,
  mb: 1_000 ** 2,
  gb: 1_000 ** 3,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** `1048576`, `500MiB`, `1.5GiB`, `2GB`: bytes. */
export function parseSize(text: string): number {
  const [, digits = '', unit = 'b'] = /^(\d{1,15}(?:\.\d+)?)\s?([kmgt]?i?b)?$/i.exec(text) ?? []
  const bytes = Math.round(Number(digits) * (BYTES[unit.toLowerCase()] ?? Number.NaN))
  if (digits === '' || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError('Write it as 1048576 (bytes), 500MiB or 1.5GiB.')
  }
  return bytes
}

/** `0.5` or `50%`: from 0 to 1. */
export function parseRatio(text: string): number {
  const [, digits = '', percent] = /^(\d{1,3}(?:\.\d+)?)(%)?$/.exec(text) ?? []
  const ratio = percent === undefined ? Number(digits) : Number(digits) / 100
  if (digits === '' || ratio > 1) throw new InvalidArgumentError('Write it as 0.5 or 50%.')
  return ratio
}

/** A regular expression with a group, as `--role '^(web|api)'`. */
export function parseRolePattern(text: string): RegExp {
  let pattern: RegExp
  try {
    pattern = new RegExp(text, 'u')
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : '')
  }
  // An alternative that is empty matches anything, with all of its groups.
  const groups = (new RegExp(`${text}|`, 'u').exec('')?.length ?? 1) - 1
  if (groups === 0) throw new InvalidArgumentError('It needs a group, as in ^([a-z]+).')
  return pattern
}
