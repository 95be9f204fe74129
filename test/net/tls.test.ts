import { readFileSync } from 'node:fs'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer, type TlsOptions as ServerOptions, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { connectTls, type TlsEndpoint } from '../../src/net/tls.ts'
import type { Transport } from '../../src/net/transport.ts'

const HOST = '127.0.0.1'

/** Made by create.sh, beside them. */
function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8')
}

const AUTHORITY = fixture('authority.pem')
const NODE = { cert: fixture('node.pem'), key: fixture('node.key') }
const CLIENT = { cert: fixture('client.pem'), key: fixture('client.key') }

const servers: Server[] = []
const sockets: Socket[] = []

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

function listen(server: Server): Promise<number> {
  servers.push(server)
  server.on('connection', (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
  })
  return new Promise((resolve) => {
    server.listen(0, HOST, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

/** A TLS server; returns its port. */
function serve(options: ServerOptions, use: (socket: TLSSocket) => void = () => {}) {
  const server = createServer({ ...NODE, ...options }, (socket) => {
    socket.on('error', () => {})
    use(socket)
  })
  server.on('tlsClientError', () => {})
  return listen(server)
}

/** Wants a certificate of our authority. */
const STRICT: ServerOptions = { ca: AUTHORITY, requestCert: true, rejectUnauthorized: true }

function connect(port: number, options: Partial<TlsEndpoint> = {}): Promise<Transport> {
  return connectTls({ host: HOST, port, serverName: 'localhost', ca: AUTHORITY, ...options })
}

/** What a transport delivers until it ends. */
function collect(transport: Transport): Promise<{ text: string; error: Error | undefined }> {
  let text = ''
  return new Promise((resolve) => {
    transport.start({
      data: (chunk) => {
        text += Buffer.from(chunk).toString()
      },
      end: (error) => resolve({ text, error }),
    })
  })
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (version) => {
  const versions: ServerOptions = { minVersion: version, maxVersion: version }

  test('bytes go both ways, and what was sent before the end arrives', async () => {
    const port = await serve({ ...versions, ...STRICT }, (socket) => {
      socket.once('data', (chunk) => socket.end(`${chunk}${'pong'.repeat(100_000)}`))
    })
    const transport = await connect(port, CLIENT)
    expect(transport.remote).toBe(`${HOST}:${port}`)
    const ended = collect(transport)
    transport.cork()
    transport.write(Buffer.from('pi'))
    transport.write(Buffer.from('ng'))
    transport.uncork()
    expect(await ended).toEqual({ text: `ping${'pong'.repeat(100_000)}`, error: undefined })
  })

  test.each([
    ['none', {}, false],
    ['one of itself', { cert: fixture('expired.pem'), key: NODE.key }, true],
  ])('a server that wants a certificate is not content with %s', async (_, shown, isShown) => {
    const port = await serve({ ...versions, ...STRICT })
    // With TLS 1.3 the answer comes after the handshake.
    const error = await connect(port, shown).then(
      async (transport) => (await collect(transport)).error,
      (reason) => reason,
    )
    expect(error).toMatchObject({
      code: 'ERR_TLS_CLIENT_CERTIFICATE',
      shown: isShown,
      hint: expect.stringMatching(isShown ? /authority/ : /--cert FILE and --key FILE/),
    })
  })
})

describe('a peer is believed', () => {
  test.each(['localhost', 'node.test', HOST])('that proves to be %s', async (serverName) => {
    const port = await serve({})
    const transport = await connect(port, { serverName })
    transport.destroy()
  })

  test('not without its authority', async () => {
    const port = await serve({})
    await expect(connect(port, { ca: fixture('other-authority.pem') })).rejects.toMatchObject({
      code: 'ERR_TLS_CERTIFICATE_UNTRUSTED',
      authority: 'CN=beamscope test authority',
      hint: expect.stringContaining('another authority'),
    })
    await expect(connect(port, { ca: undefined })).rejects.toMatchObject({
      code: 'ERR_TLS_CERTIFICATE_UNTRUSTED',
      hint: expect.stringContaining('--ca FILE'),
    })
  })

  test('not even where the whole process is told to believe everybody', async () => {
    const port = await serve({})
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      await expect(connect(port, { ca: undefined })).rejects.toMatchObject({
        code: 'ERR_TLS_CERTIFICATE_UNTRUSTED',
      })
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    }
  })

  test('not with a certificate of the past', async () => {
    const port = await serve({ cert: fixture('expired.pem') })
    await expect(connect(port)).rejects.toMatchObject({
      code: 'ERR_TLS_CERTIFICATE_EXPIRED',
      reason: 'expired',
      message: expect.stringContaining('2011'),
    })
  })

  test.each(['elsewhere.test', '127.0.0.2', '::1'])('not as %s', async (serverName) => {
    const port = await serve({})
    await expect(connect(port, { serverName })).rejects.toMatchObject({
      code: 'ERR_TLS_CERTIFICATE_HOST',
      host: serverName,
      message: expect.stringContaining('DNS:node.test'),
    })
  })
})

describe('a peer without TLS', () => {
  test.each<readonly [what: string, answer: (socket: Socket) => void]>([
    ['hangs up', (socket) => socket.destroy()],
    ['ends', (socket) => socket.end()],
    ['answers otherwise', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('that %s is told', async (_, answer) => {
    const port = await listen(
      createTcpServer((socket) => socket.once('data', () => answer(socket))),
    )
    await expect(connect(port)).rejects.toMatchObject({
      code: 'ERR_TLS_NOT_SPOKEN',
      address: `${HOST}:${port}`,
      hint: expect.stringContaining('leave --tls out'),
    })
  })

  test('that says nothing is waited for no longer than allowed', async () => {
    const port = await listen(createTcpServer())
    await expect(connect(port, { timeout: 50 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      what: expect.stringContaining('may speak no TLS'),
    })
    const controller = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 20)
    await expect(connect(port, { signal: controller.signal })).rejects.toBe(reason)
  })

  test('nobody at all is no matter of TLS', async () => {
    const port = await serve({})
    for (const server of servers.splice(0)) server.close()
    await expect(connect(port)).rejects.toMatchObject({ code: 'ERR_NET_REFUSED' })
  })
})

test('a peer with no version in common is told', async () => {
  const port = await serve({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })
  await expect(connect(port)).rejects.toMatchObject({ code: 'ERR_TLS_FAILED' })
})

test('a peer that hangs up after the handshake may not have liked our certificate', async () => {
  const port = await serve({}, (socket) => socket.destroy())
  const { error } = await collect(await connect(port))
  expect(error).toMatchObject({ code: 'ERR_TLS_CLIENT_CERTIFICATE', alert: undefined })
})

test('an end that we make ourselves is in order', async () => {
  const transport = await connect(await serve({}))
  const ended = collect(transport)
  transport.close()
  expect(await ended).toEqual({ text: '', error: undefined })
})

describe('what is given', () => {
  const { cert, key } = CLIENT
  test.each<readonly [what: string, options: Partial<TlsEndpoint>, option: string, says: RegExp]>([
    ['an empty authority', { ca: '' }, 'ca', /no certificate in PEM format/],
    ['a key for an authority', { ca: key }, 'ca', /no certificate in PEM format/],
    ['a certificate alone', { cert }, 'cert', /goes with its private key/],
    ['a key alone', { key }, 'key', /goes with a certificate/],
    ['a key in place of a certificate', { cert: key, key }, 'cert', /no certificate/],
    ['a certificate in place of a key', { cert, key: cert }, 'key', /no private key/],
    ['an encrypted key', { cert, key: fixture('encrypted.key') }, 'key', /is encrypted/],
    ['the key of another', { cert, key: NODE.key }, 'key', /not the private key of/],
  ])(
    '%s is refused before anything is sent, without a secret',
    async (_, options, option, says) => {
      const error: unknown = await connect(1, options).catch((reason) => reason)
      expect(error).toMatchObject({
        code: 'ERR_TLS_OPTIONS',
        option,
        message: expect.stringMatching(says),
      })
      const text = JSON.stringify(error, Object.getOwnPropertyNames(error))
      for (const line of [key, NODE.key].flatMap((pem) => pem.trim().split('\n').slice(1, -1))) {
        expect(text).not.toContain(line)
      }
    },
  )
})
