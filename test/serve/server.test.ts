import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ListenError } from '../../src/serve/errors.ts'
import type { ServeEnv } from '../../src/serve/guard.ts'
import { startServer } from '../../src/serve/server.ts'

/** Milliseconds; nobody is to be cut off for saying nothing, however slow the machine is. */
const PATIENT = 120_000

const MAX_CONNECTIONS = 256

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  // Whoever is cut off may hear of it in either way.
  socket.on('error', () => {})
  onTestFinished(() => {
    socket.destroy()
  })
  await once(socket, 'connect')
  return socket
}

/** All that is answered until the server ends the connection. */
async function ask(socket: Socket): Promise<string> {
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  const closed = once(socket, 'close')
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  await closed
  return answer
}

describe('connections', () => {
  it('are 256: one more is cut off, and there is room for it when another has ended', async () => {
    const app = new Hono<ServeEnv>().get('/healthz', (c) => c.text('ok\n'))
    await using server = await startServer(app, { host: '127.0.0.1', port: 0 }, PATIENT)
    const { port } = server.address
    const held: Socket[] = []
    for (let index = 0; index < MAX_CONNECTIONS; index++) held.push(await connected(port))
    expect(await ask(await connected(port))).toBe('')
    // All that were there before are served.
    const [first, last] = [held[0], held.at(-1)]
    if (first === undefined || last === undefined) throw new Error('nobody is connected')
    expect(await ask(last)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await ask(first)).toMatch(/^HTTP\/1\.1 200 /)
    expect(held.filter((it) => it.destroyed)).toHaveLength(2)
    await expect
      .poll(async () => ask(await connected(port)), { timeout: 30_000 })
      .toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('an address that cannot be listened on', () => {
  it.each([
    ['EADDRINUSE', 'somebody does already', 'another port'],
    ['EACCES', 'permission denied', 'below 1024'],
    ['EADDRNOTAVAIL', 'what it says', 'one of this machine'],
  ])('because of %s is named, with what can be done', (code, why, next) => {
    const cause = Object.assign(new Error('what it says'), { code })
    const error = new ListenError('127.0.0.1:80', cause)
    expect(error.message).toBe(`cannot listen on 127.0.0.1:80: ${why}`)
    expect(error.hint).toContain(next)
    expect(error).toMatchObject({ code: 'ERR_SERVE_LISTEN', address: '127.0.0.1:80', cause })
  })
})
