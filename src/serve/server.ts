/**
 * The HTTP server: where it listens, what it puts up with, and how it ends.
 */
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { ListenError } from './errors.ts'
import type { ServeEnv } from './guard.ts'
import { formatAddress, type ListenAddress } from './listen-address.ts'

/** Bytes of a request's head. */
const MAX_HEADER_SIZE = 8_192

const MAX_HEADERS = 64

/** Whoever comes when there are so many is cut off at once. */
const MAX_CONNECTIONS = 256

/** Milliseconds for a whole request; for a head, too. */
const REQUEST_TIMEOUT = 10_000

/** Milliseconds in which nothing is read or written: open pages have a sign of life more often. */
const IDLE_TIMEOUT = 60_000

/** Milliseconds between two requests. */
const KEEP_ALIVE = 5_000

/** Milliseconds for answers that are being written when the server ends. */
const CLOSE_TIMEOUT = 500

export interface RunningServer extends AsyncDisposable {
  readonly address: ListenAddress
  /** To be called by. */
  readonly url: string
}

/**
 * @param requestTimeout milliseconds
 * @throws {ListenError}
 */
export async function startServer(
  app: Hono<ServeEnv>,
  listen: ListenAddress,
  requestTimeout: number = REQUEST_TIMEOUT,
): Promise<RunningServer> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_SIZE,
      headersTimeout: requestTimeout,
      requestTimeout,
      keepAliveTimeout: KEEP_ALIVE,
      connectionsCheckingInterval: 1_000,
    },
    getRequestListener((request, env) => app.fetch(platformRequest(request), env), {
      overrideGlobalObjects: false,
    }),
  )
  server.maxHeadersCount = MAX_HEADERS
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(IDLE_TIMEOUT)
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException): void =>
      reject(new ListenError(formatAddress(listen), cause))
    server.once('error', refuse)
    server.listen(listen.port, listen.host, () => {
      server.off('error', refuse)
      resolve()
    })
  })
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port
  const address = { host: listen.host, port }
  return {
    address,
    url: `http://${formatAddress(address)}/`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT)
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

/**
 * A form that comes in pieces, as some proxies send it, as a `Request` of the platform: hono's limit of a body makes
 * another one out of it, which what stands for requests here does not allow while globals are left alone.
 */
function platformRequest(request: Request): Request {
  const { body, headers, method, url } = request
  if (method !== 'POST' || !headers.has('transfer-encoding')) return request
  return new Request(url, { method, headers, body, duplex: 'half' })
}
