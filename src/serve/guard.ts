/**
 * Who is let in: by the token, by a session that was opened with it, or without one under a name of this machine.
 */
import type { HttpBindings } from '@hono/node-server'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { Attempts } from './attempts.ts'
import { ForeignHostError, ForeignOriginError, TooManyError, UnauthorizedError } from './errors.ts'
import { isLoopbackHost } from './listen-address.ts'
import { SESSION_TIME, Sessions } from './sessions.ts'
import type { Token } from './token.ts'

export interface ServeEnv {
  readonly Bindings: HttpBindings
}

/** Of the session. Another server on this machine has a port, and so a name, of its own. */
const cookieName = (c: Context<ServeEnv>): string =>
  `beamscope_${c.env.incoming.socket.localPort ?? 0}`

export class Guard {
  readonly #token: Token | undefined
  readonly #sessions = new Sessions()
  readonly #attempts = new Attempts()

  constructor(token: Token | undefined) {
    this.#token = token
  }

  /**
   * Refuses what another site's page sends, and without a token whatever comes by a foreign name: a page of that name
   * could read the answer.
   */
  readonly checkSite: MiddlewareHandler<ServeEnv> = async (c, next) => {
    if (this.#token === undefined && !isLoopbackHost(c.req.header('host'))) {
      throw new ForeignHostError()
    }
    const site = c.req.header('sec-fetch-site') ?? 'none'
    const isNavigation = c.req.header('sec-fetch-mode') === 'navigate' && c.req.method === 'GET'
    if (!['same-origin', 'none'].includes(site) && !isNavigation) throw new ForeignOriginError()
    await next()
  }

  /** Lets nobody pass without the token or a session. */
  readonly checkAccess: MiddlewareHandler<ServeEnv> = async (c, next) => {
    if (!this.isKnown(c)) throw new UnauthorizedError()
    await next()
  }

  isKnown(c: Context<ServeEnv>): boolean {
    if (this.#token === undefined) return true
    const [, bearer] = /^bearer +([^ ]+) *$/i.exec(c.req.header('authorization') ?? '') ?? []
    if (bearer !== undefined) return this.#token.matches(bearer)
    const session = getCookie(c, cookieName(c))
    return session !== undefined && this.#sessions.isOpen(session)
  }

  /**
   * Opens a session for who sends the token.
   *
   * @throws {ForeignOriginError} when another site's page sends it, or nobody says whose does
   * @throws {TooManyError} when too many were wrong lately
   * @throws {UnauthorizedError}
   */
  logIn(c: Context<ServeEnv>, text: string): void {
    const origin = originOf(c.req.header('origin'))
    if (origin === undefined || origin.host !== c.req.header('host')?.toLowerCase()) {
      throw new ForeignOriginError()
    }
    const address = c.env.incoming.socket.remoteAddress ?? ''
    const delay = this.#attempts.delay(address)
    if (delay > 0) throw new TooManyError(429, 'too many wrong tokens', delay)
    if (this.#token !== undefined && !this.#token.matches(text)) {
      this.#attempts.count(address)
      throw new UnauthorizedError()
    }
    setCookie(c, cookieName(c), this.#sessions.open(), {
      httpOnly: true,
      sameSite: 'Strict',
      // Whoever stands in front of this may speak TLS.
      secure: origin.protocol === 'https:',
      path: '/',
      maxAge: SESSION_TIME / 1000,
    })
  }
}

function originOf(header: string | undefined): URL | undefined {
  return header !== undefined && URL.canParse(header) ? new URL(header) : undefined
}
