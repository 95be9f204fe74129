/**
 * What a user writes or points to: values of options, the content of a file with a cookie, files for TLS.
 */
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { InvalidArgumentError } from 'commander'
import {
  parseDuration,
  parseMapping,
  parsePort,
  parseRatio,
  parseRolePattern,
  parseSize,
} from '../../src/cli/option-values.ts'
import { Cookie, InvalidCookieError } from '../../src/dist/cookie.ts'
import { TlsOptionsError } from '../../src/net/errors.ts'
import { connectTls } from '../../src/net/tls.ts'
import { CookieFileError, parseCookie } from '../../src/node/cookie-source.ts'
import { root } from '../root.ts'
import { attempt, check, checkError, once, type Target, type Verdict } from '../target.ts'

const TEXTS: readonly string[] = [
  '500',
  '1.5m',
  '2GiB',
  '1e9',
  '50%',
  '0.25',
  '4369',
  'host=10.0.0.1:9100',
  'host=[::1]:9100',
  'host=fe80::1',
  '^(web|api)-',
  '(a',
  '(?<x>a){2,1}',
]

/** Whether what was read of a text is what it may be, by the first byte of an input. */
const VALUES: readonly ((text: string) => boolean)[] = [
  (text) => within(parseDuration(text), 1, 2 ** 31 - 1),
  (text) => within(parsePort(text), 1, 65_535),
  (text) => within(parseSize(text), 0, Number.MAX_SAFE_INTEGER),
  (text) => {
    const ratio = parseRatio(text)
    return ratio >= 0 && ratio <= 1
  },
  (text) =>
    [...parseMapping(text)].every(
      ([name, { host, port = 1 }]) => name !== '' && host !== '' && within(port, 1, 65_535),
    ),
  (text) => parseRolePattern(text) instanceof RegExp,
]

function within(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

export const valuesTarget: Target = {
  name: 'values',
  title:
    'values of options: durations, ports, sizes, ratios, addresses of hosts, patterns of roles',
  seeds: once(() =>
    VALUES.flatMap((_, which) =>
      TEXTS.map((text) => Buffer.concat([Buffer.of(which), Buffer.from(text)])),
    ),
  ),
  generate(out) {
    const { random } = out
    out.uint8(random.below(VALUES.length))
    for (let left = 1 + random.small(4); left > 0; left--) {
      const text = random.pick(TEXTS)
      const from = random.below(text.length)
      out.text(random.oneIn(3) ? text : text.slice(from, from + random.small(8)))
    }
  },
  run(input): Verdict {
    const holds = VALUES[(input[0] ?? 0) % VALUES.length]
    const text = Buffer.from(input.subarray(1)).toString()
    try {
      check(holds?.(text) === true, 'a value is beyond what it may be')
      return 'accepted'
    } catch (error) {
      // What commander shows as the reason, behind the text itself.
      if (!(error instanceof InvalidArgumentError)) throw error
      return 'refused'
    }
  },
}

const ANOTHER = new Cookie('another')

/** The same of each cookie. */
function shown(cookie: Cookie): string {
  return inspect([cookie, String(cookie), JSON.stringify(cookie)])
}

export const cookieTarget: Target = {
  name: 'cookie',
  title: 'the content of a file with a cookie',
  seeds: once(() =>
    ['SECRET', 'SECRET\n', 'with spaces  \r\n', 'x'.repeat(255)].map((it) => Buffer.from(it)),
  ),
  generate(out) {
    const { random } = out
    for (let left = random.oneIn(10) ? 300 : random.small(20); left > 0; left--) {
      out.uint8(random.oneIn(30) ? random.below(256) : 0x20 + random.below(0x5f))
    }
    if (random.oneIn(2)) out.text(random.pick(['\n', '\r\n', ' \n\n', '\n x']))
  },
  run(input): Verdict {
    const text = Buffer.from(input).toString('latin1')
    const refuse = (why: string) => new CookieFileError('.erlang.cookie', why)
    const cookie = attempt([CookieFileError, InvalidCookieError], () => parseCookie(text, refuse))
    if (cookie === undefined) return 'refused'
    check(cookie.verify(7, cookie.digest(7)), 'a cookie does not answer its own challenge')
    check(shown(cookie) === shown(ANOTHER), 'a cookie is shown')
    return 'accepted'
  },
}

const pem = once(() =>
  ['authority.pem', 'client.pem', 'client.key'].map((name) =>
    readFileSync(new URL(`test/fixtures/tls/${name}`, root)),
  ),
)

/** The first byte tells which file the rest is; the others are right. */
export const tlsFilesTarget: Target = {
  name: 'tls-files',
  title: 'certificates and keys in PEM',
  seeds: once(() => pem().map((it, which) => Buffer.concat([Buffer.of(which), it]))),
  generate(out) {
    const { random } = out
    out.uint8(random.below(3))
    for (let left = 1 + random.small(3); left > 0; left--) {
      const file = random.pick(pem())
      const from = random.oneIn(2) ? 0 : random.below(file.length)
      out.bytes(file.subarray(from, random.oneIn(2) ? file.length : random.below(file.length)))
    }
  },
  async run(input): Promise<Verdict> {
    const [ca, cert, key] = pem().map((it, which) =>
      which === (input[0] ?? 0) % 3 ? input.subarray(1) : it,
    )
    // Before anything is dialled.
    const signal = AbortSignal.abort(DIALLED)
    const endpoint = { host: '127.0.0.1', port: 1, serverName: 'localhost', signal }
    try {
      await connectTls({ ...endpoint, ca, cert, key })
    } catch (error) {
      if (error === DIALLED) return 'accepted'
      checkError([TlsOptionsError], error)
    }
    return 'refused'
  },
}

const DIALLED = new Error('the files are taken')
