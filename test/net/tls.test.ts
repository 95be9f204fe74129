import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  createServer as createTcpServer,
  connect as dialTcp,
  type Server,
  type Socket,
} from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ConnectionOptions,
  createServer,
  connect as dialTls,
  type TlsOptions as ServerOptions,
  type TLSSocket,
} from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import {
  connectTls,
  listenTls,
  type TlsEndpoint,
  type TlsListenEndpoint,
} from '../../src/net/tls.ts'
import type { Listener, Transport } from '../../src/net/transport.ts'

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
const listeners: Listener[] = []
const transports: Transport[] = []

afterEach(async () => {
  for (const transport of transports.splice(0)) transport.destroy()
  for (const listener of listeners.splice(0)) await listener.close()
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

/** A certificate that is whole, and another one whose end is none. */
function tornBehind(cert: string): string {
  return cert + fixture('other-authority.pem').replace(/-----END.*/, '-----END KEY-----')
}

describe('what is given', () => {
  const { cert, key } = CLIENT
  const torn = tornBehind(cert)
  test.each<readonly [what: string, options: Partial<TlsEndpoint>, option: string, says: RegExp]>([
    ['an empty authority', { ca: '' }, 'ca', /no certificate in PEM format/],
    ['a key for an authority', { ca: key }, 'ca', /no certificate in PEM format/],
    ['a certificate that another follows in part', { cert: torn, key }, 'cert', /goes on with/],
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

/** What `listenTls` listens with here, and who came in. */
async function admit(options: Partial<TlsListenEndpoint> = {}) {
  const arrived: Transport[] = []
  const endpoint = { host: HOST, port: 0, ca: AUTHORITY, ...NODE, ...options }
  const listener = await listenTls(endpoint, (transport) => {
    arrived.push(transport)
    transports.push(transport)
  })
  listeners.push(listener)
  return { listener, port: listener.port, arrived }
}

function watch<Kind extends Socket>(socket: Kind): Kind {
  sockets.push(socket)
  socket.on('error', () => {})
  return socket
}

/** A client of Node.js. */
function dial(port: number, options: ConnectionOptions = CLIENT): TLSSocket {
  return watch(dialTls({ host: HOST, port, servername: 'localhost', ca: AUTHORITY, ...options }))
}

/** A client that may never speak TLS. */
function dialPlain(port: number): Socket {
  return watch(dialTcp({ host: HOST, port }))
}

function closed(socket: Socket): Promise<unknown> {
  socket.resume()
  // `once` of Node.js would reject for an error.
  return new Promise((resolve) => {
    if (socket.closed) resolve(undefined)
    else socket.once('close', resolve)
  })
}

/** Whether a peer as it should be is let in. */
async function isOpen({ port, arrived }: { port: number; arrived: readonly Transport[] }) {
  const before = arrived.length
  const socket = dial(port)
  await Promise.race([once(socket, 'secureConnect'), closed(socket)]).catch(() => {})
  for (let turn = 0; turn < 20 && arrived.length === before; turn++) await sleep(5)
  socket.destroy()
  return arrived.length > before
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a listener over %s', (version) => {
  const versions = { minVersion: version, maxVersion: version }

  test('takes bytes from the first one on, however late it starts, and sends them', async () => {
    const { port, arrived } = await admit()
    const socket = dial(port, { ...CLIENT, ...versions })
    socket.write('ping'.repeat(100_000))
    await expect.poll(() => arrived.length).toBe(1)
    expect(socket.getProtocol()).toBe(version)
    const [transport] = arrived
    if (transport === undefined) throw new Error('nobody arrived')
    expect(transport.remote).toBe(`${HOST}:${socket.localPort}`)
    await sleep(50)
    const ended = collect(transport)
    transport.write(Buffer.from('pong'.repeat(100_000)))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      if (text.length === 400_000) socket.end('!')
    })
    expect(await ended).toEqual({ text: `${'ping'.repeat(100_000)}!`, error: undefined })
    expect(text).toBe('pong'.repeat(100_000))
  })

  test('keeps what a peer sent that is gone before the start', async () => {
    const { port, arrived } = await admit()
    const socket = dial(port, { ...CLIENT, ...versions })
    socket.end('ping')
    await expect.poll(() => arrived.length).toBe(1)
    await sleep(50)
    const ended = arrived.map(collect)
    expect(await Promise.all(ended)).toEqual([{ text: 'ping', error: undefined }])
  })

  test.each<readonly [who: string, shown: ConnectionOptions, options: Partial<TlsListenEndpoint>]>([
    ['without a certificate', {}, {}],
    ['of another authority', CLIENT, { ca: fixture('other-authority.pem') }],
    ['with a certificate of the past', { cert: fixture('expired.pem'), key: NODE.key }, {}],
  ])('never lets in a peer %s', async (_, shown, options) => {
    const { port, arrived } = await admit(options)
    for (const reject of [undefined, '0']) {
      if (reject !== undefined) process.env.NODE_TLS_REJECT_UNAUTHORIZED = reject
      try {
        const socket = dial(port, { ...shown, ...versions })
        socket.write('ping')
        await closed(socket)
        expect(arrived).toEqual([])
      } finally {
        delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      }
    }
  })

  test('has each connection prove itself anew', async () => {
    const { port, arrived } = await admit()
    const first = dial(port, { ...CLIENT, ...versions })
    first.resume()
    let session: Buffer | undefined
    first.on('session', (it) => {
      session = it
    })
    await expect.poll(() => arrived.length).toBe(1)
    await expect.poll(() => session).toBeDefined()
    const second = dial(port, { ...CLIENT, ...versions, ...(session && { session }) })
    await once(second, 'secureConnect')
    expect(second.isSessionReused()).toBe(false)
  })
})

describe('a listener', () => {
  test('lets in whoever connects as we do, whatever host its certificate is for', async () => {
    const { port, arrived } = await admit()
    const client = await connect(port, CLIENT)
    await expect.poll(() => arrived.length).toBe(1)
    const answers = arrived.map((transport) => {
      transport.write(Buffer.from('pong'))
      return collect(transport)
    })
    client.write(Buffer.from('ping'))
    client.close()
    await collect(client)
    expect(await Promise.all(answers)).toEqual([{ text: 'ping', error: undefined }])
  })

  test('is told by us from a node that takes no stranger', async () => {
    const { port, arrived } = await admit()
    const { error } = await collect(await connect(port))
    expect(error).toMatchObject({ code: 'ERR_TLS_CLIENT_CERTIFICATE', shown: false })
    expect(arrived).toEqual([])
  })

  test.each<readonly [what: string, act: (socket: Socket) => void]>([
    ['speaks HTTP', (socket) => socket.write('GET / HTTP/1.1\r\n\r\n')],
    // 2 bytes of length, then `send_name` ('N', 8 of flags, 4 of creation, 2 of the name's length).
    ['speaks without TLS', (socket) => socket.write(Buffer.from(`\x00\x0fN${'\x00'.repeat(14)}`))],
    ['sends nonsense', (socket) => socket.write(Buffer.alloc(100_000, 0xff))],
    ['hangs up', (socket) => socket.end()],
    ['hangs up in the middle', (socket) => socket.end(HALF_A_HELLO)],
    ['resets', (socket) => socket.resetAndDestroy()],
    [
      'resets in the middle',
      (socket) => socket.write(HALF_A_HELLO, () => socket.resetAndDestroy()),
    ],
  ])('outlives a peer that %s', async (_, act) => {
    // With room for one, so that a failure that still counted would be seen.
    const server = await admit({ maxHandshakes: 1 })
    for (let count = 0; count < 3; count++) {
      const socket = dialPlain(server.port)
      await once(socket, 'connect')
      act(socket)
      await closed(socket)
    }
    await expect.poll(() => isOpen(server)).toBe(true)
  })

  test.each<readonly [what: string, act: (socket: Socket) => void]>([
    ['says nothing', () => {}],
    ['says half of it', (socket) => socket.write(HALF_A_HELLO)],
    [
      'says it byte by byte',
      (socket) => {
        socket.write(HALF_A_HELLO)
        const timer = setInterval(() => socket.write('\0'), 10)
        socket.once('close', () => clearInterval(timer))
      },
    ],
  ])('waits for a peer that %s no longer than allowed', async (_, act) => {
    const server = await admit({ handshakeTimeout: 150, maxHandshakes: 1 })
    const start = performance.now()
    const socket = dialPlain(server.port)
    await once(socket, 'connect')
    act(socket)
    await closed(socket)
    const waited = performance.now() - start
    expect(waited).toBeGreaterThan(140)
    expect(waited).toBeLessThan(2_000)
    await expect.poll(() => isOpen(server)).toBe(true)
  })

  test('lets a peer that is in stay as long as it likes', async () => {
    const { port, arrived } = await admit({ handshakeTimeout: 1_000 })
    const socket = dial(port)
    await expect.poll(() => arrived.length, { timeout: 5_000 }).toBe(1)
    await sleep(1_100)
    expect(socket.closed).toBe(false)
  })

  test('turns away more peers than it may have in the middle of TLS', async () => {
    const server = await admit({ maxHandshakes: 2 })
    const silent = [dialPlain(server.port), dialPlain(server.port)]
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    expect(await isOpen(server)).toBe(false)
    expect(silent.map((socket) => socket.closed)).toEqual([false, false])
    for (const socket of silent) socket.destroy()
    await expect.poll(() => isOpen(server)).toBe(true)
  })

  test('lets nobody in once it is closed', async () => {
    const { listener, port, arrived } = await admit()
    const tcp = dialPlain(port)
    await once(tcp, 'connect')
    await sleep(20)
    await listener.close()
    await closed(dial(port, { ...CLIENT, socket: tcp }))
    expect(arrived).toEqual([])
  })

  test('cannot have a port that is taken', async () => {
    const { port } = await admit()
    await expect(admit({ port })).rejects.toMatchObject({ code: 'ERR_NET_SOCKET' })
  })

  test.each<
    readonly [what: string, options: Partial<TlsListenEndpoint>, option: string, says: RegExp]
  >([
    ['neither certificate nor key', { cert: undefined, key: undefined }, 'cert', /is needed/],
    ['no authority', { ca: undefined }, 'ca', /is needed/],
    ['no certificate', { cert: undefined }, 'key', /goes with a certificate/],
    ['no key', { key: undefined }, 'cert', /goes with its private key/],
    ['the key of another', { key: CLIENT.key }, 'key', /not the private key of/],
    ['an empty authority', { ca: '' }, 'ca', /no certificate in PEM format/],
    [
      'a certificate that another follows in part',
      { cert: tornBehind(NODE.cert) },
      'cert',
      /goes on with/,
    ],
  ])('is refused %s', async (_, options, option, says) => {
    await expect(admit(options)).rejects.toMatchObject({
      code: 'ERR_TLS_OPTIONS',
      option,
      message: expect.stringMatching(says),
    })
  })
})

/** The head of a ClientHello. */
const HALF_A_HELLO = Buffer.from([
  22, // TLSPlaintext.type: handshake (RFC 8446, 5.1)
  ...[3, 1], // legacy_record_version
  ...[2, 0], // length: 512
  1, // Handshake.msg_type: client_hello (4)
  ...[0, 1, 252], // length: 508
  ...[3, 3], // legacy_version
])

/** `npm test` builds it first. */
const BUILT = new URL('../../lib/net/tls.js', import.meta.url).href

describe('a process', () => {
  /**
   * One that listens, has both ends of a connection and a peer that says nothing, and may be kept alive
   * by those of these alone: `alive` if it was after 300 ms, or nothing if it had ended.
   */
  async function run(...kept: readonly ('listener' | 'client' | 'server')[]): Promise<string> {
    const program = `
      import { connect } from 'node:net'
      const { connectTls, listenTls } = await import(${JSON.stringify(BUILT)})
      const [ca, cert, key] = JSON.parse(process.argv[1])
      let arrive
      const arrival = new Promise((resolve) => { arrive = resolve })
      const host = '127.0.0.1'
      const listener = await listenTls({ host, port: 0, ca, cert, key }, arrive)
      const { port } = listener
      const stranger = connect({ host, port })
      const client = await connectTls({ host, port, serverName: 'localhost', ca, cert, key })
      const server = await arrival
      stranger.unref()
      for (const it of [client, server]) it.start({ data() {}, end() {} })
      for (const it of [listener, client, server]) it.unref()
      const all = { listener, client, server }
      for (const name of process.argv.slice(2)) all[name].ref()
      setTimeout(() => { console.log('alive'); process.exit() }, 300).unref()
    `
    const pems = JSON.stringify([AUTHORITY, NODE.cert, NODE.key])
    const argv = ['--input-type=module', '--eval', program, pems, ...kept]
    const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 10_000 })
    return stdout.trim()
  }

  test('ends by itself when neither port nor connection is to keep it, let alone a stranger', async () => {
    expect(await run()).toBe('')
  })

  test.each(['listener', 'client', 'server'] as const)('is kept by its %s', async (name) => {
    expect(await run(name)).toBe('alive')
  })
})
