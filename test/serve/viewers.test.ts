import { connect, type Socket } from 'node:net'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ConnectionRefusedError } from '../../src/net/errors.ts'
import type { ServeEnv } from '../../src/serve/guard.ts'
import { startServer } from '../../src/serve/server.ts'
import { NODE, OTHER, type Served, startServed } from './served.ts'

/** Milliseconds; a busy machine takes its time. */
const LONG = 20_000

interface Reader {
  readonly socket: Socket
  /** All that came so far. */
  text(): string
}

function open(served: Served, path = '/events'): Promise<Reader> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(served.port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
    })
    onTestFinished(() => {
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      text += chunk
      if (text.includes('\r\n\r\n')) resolve({ socket, text: () => text })
    })
  })
}

function events(text: string, name: string): number {
  return text.split(`event: ${name}\n`).length - 1
}

describe('an open page', () => {
  it('is sent what is known at once, and each answer of its node as it comes', async () => {
    await using served = await startServed({ names: [NODE, OTHER] })
    served.answer()
    const reader = await open(served, `/events?node=${encodeURIComponent(NODE)}`)
    expect(reader.text()).toContain('HTTP/1.1 200')
    expect(reader.text().toLowerCase()).toContain('content-type: text/event-stream')
    await vi.waitUntil(() => events(reader.text(), 'sample') === 1, LONG)
    served.answer()
    await vi.waitUntil(() => events(reader.text(), 'sample') === 2, LONG)
    served.answer(OTHER)
    served.fail(new ConnectionRefusedError('127.0.0.1:1'))
    await vi.waitUntil(() => events(reader.text(), 'failure') === 1, LONG)
    expect(events(reader.text(), 'sample')).toBe(2)
    const [, data = ''] = /event: failure\ndata: (.*)\n/.exec(reader.text()) ?? []
    expect(JSON.parse(data)).toEqual({
      message: 'nobody listens on 127.0.0.1:1',
      hint: expect.any(String),
    })
  })

  it('is sent sections and what charts draw', async () => {
    await using served = await startServed()
    served.answer()
    const reader = await open(served)
    await vi.waitUntil(() => /event: sample\ndata: .*\n\n/.test(reader.text()), LONG)
    const [, data = ''] = /event: sample\ndata: (.*)\n/.exec(reader.text()) ?? []
    expect(JSON.parse(data)).toEqual({
      html: expect.stringContaining(`<h1>${NODE}</h1>`),
      data: expect.any(Object),
    })
  })

  it('is forgotten when it is closed', async () => {
    await using served = await startServed()
    const reader = await open(served)
    expect(served.viewers.count).toBe(1)
    reader.socket.destroy()
    await vi.waitUntil(() => served.viewers.count === 0, LONG)
  })

  it('is dropped when it does not read, and nothing is kept for it', async () => {
    await using served = await startServed()
    const reader = await open(served)
    const other = await open(served)
    reader.socket.pause()
    let ended = false
    served.answer()
    const drop = async (): Promise<void> => {
      while (served.viewers.count === 2) {
        served.answer()
        await new Promise((resolve) => setImmediate(resolve))
      }
      ended = true
    }
    await drop()
    expect(ended).toBe(true)
    // Whoever reads goes on.
    const seen = events(other.text(), 'sample')
    served.answer()
    await vi.waitUntil(() => events(other.text(), 'sample') > seen, LONG)
    expect(served.viewers.count).toBe(1)
  })

  it('is one of no more than 64', async () => {
    await using served = await startServed()
    for (let count = 0; count < 64; count++) await open(served)
    const { body, headers, status } = await served.request('/events')
    expect(status).toBe(503)
    expect(headers['retry-after']).toBe('30')
    expect(JSON.parse(body)).toMatchObject({ data: { code: 'ERR_SERVE_TOO_MANY' } })
    expect(await served.request('/healthz')).toMatchObject({ status: 200 })
  })

  it('does not keep the server from ending', async () => {
    const served = await startServed()
    served.answer()
    const reader = await open(served)
    const closed = new Promise((resolve) => reader.socket.once('close', resolve))
    await served[Symbol.asyncDispose]()
    await closed
    expect(served.viewers.count).toBe(0)
  })
})

describe('the server', () => {
  it('puts up with a head of no more than 8 KiB', async () => {
    await using served = await startServed()
    const { status } = await served.request('/healthz', { headers: { x: 'x'.repeat(9_000) } })
    expect(status).toBe(431)
    expect(await served.request('/healthz')).toMatchObject({ status: 200 })
  })

  it.each([
    ['says nothing', ''],
    ['does not end its head', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: '],
    [
      'does not end its body',
      'POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 9\r\n\r\ntoken',
    ],
  ])('waits no longer than its time for whoever %s', async (_, text) => {
    const app = new Hono<ServeEnv>().post('/login', async (c) => c.text(await c.req.text()))
    app.onError((_, c) => c.body(null, 500))
    await using server = await startServer(app, { host: '127.0.0.1', port: 0 }, 100)
    const answer = await new Promise<string>((resolve, reject) => {
      let answer = ''
      const socket = connect(server.address.port, '127.0.0.1', () => socket.write(text))
      socket.on('data', (chunk) => {
        answer += chunk
      })
      socket.on('close', () => resolve(answer))
      socket.on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('answers what is no HTTP by an error and the end', async () => {
    await using served = await startServed()
    const text = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connect(served.port, '127.0.0.1', () =>
        socket.write('\u0000\u0001 hello\r\n\r\n'),
      )
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
    })
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
  })
})
