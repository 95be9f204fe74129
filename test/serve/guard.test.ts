import { connect } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { InvalidTokenError } from '../../src/serve/errors.ts'
import { Token } from '../../src/serve/token.ts'
import { NODE, type Requested, type Served, startServed, TOKEN } from './served.ts'

const PROTECTED = [
  '/metrics',
  '/api/nodes',
  `/api/nodes/${NODE}/memory`,
  `/api/nodes/${NODE}/diagnose`,
  '/events',
  '/nothing',
]

function bearer(token: string): Requested {
  return { headers: { authorization: `Bearer ${token}` } }
}

/** As a browser sends the form. */
function form(served: Served, token: string, headers: Requested['headers'] = {}): Requested {
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: `http://127.0.0.1:${served.port}`,
      ...headers,
    },
    body: new URLSearchParams({ token }).toString(),
  }
}

describe('with a token', () => {
  it.each(PROTECTED)('nobody is let in at %s without it, or with another', async (path) => {
    await using served = await startServed({ token: TOKEN })
    served.answer()
    const wrong = [
      {},
      bearer(`${TOKEN}x`),
      bearer(TOKEN.slice(1)),
      { headers: { authorization: `Basic ${btoa(`x:${TOKEN}`)}` } },
      { headers: { cookie: `beamscope_${served.port}=${TOKEN}` } },
    ]
    for (const requested of wrong) {
      const { body, headers, status } = await served.request(path, requested)
      expect(status).toBe(401)
      expect(headers['www-authenticate']).toBe('Bearer')
      expect(JSON.parse(body)).toMatchObject({ data: { code: 'ERR_SERVE_UNAUTHORIZED' } })
      expect(body).not.toContain(TOKEN.slice(1))
      expect(body).not.toContain(NODE)
    }
    const withQuery = await served.request(`${path}?token=${TOKEN}&access_token=${TOKEN}`)
    expect(withQuery.status).toBe(401)
  })

  it('programs are let in', async () => {
    await using served = await startServed({ token: TOKEN })
    served.answer()
    for (const path of ['/metrics', '/api/nodes', '/']) {
      expect(await served.request(path, bearer(TOKEN))).toMatchObject({ status: 200 })
    }
    // By whatever name.
    const headers = { ...bearer(TOKEN).headers, host: 'beamscope.example' }
    expect(await served.request('/metrics', { headers })).toMatchObject({ status: 200 })
  })

  it('whoever looks after the process needs none', async () => {
    await using served = await startServed({ token: TOKEN })
    served.answer()
    for (const path of ['/healthz', '/readyz']) {
      const { body, status } = await served.request(path)
      expect(status).toBe(200)
      expect(body).not.toContain(NODE)
    }
  })

  it('a browser logs in, and is known by a cookie that no script reads and no site sends', async () => {
    await using served = await startServed({ token: TOKEN })
    served.answer()
    const before = await served.request('/')
    expect(before.status).toBe(401)
    expect(before.body).toContain('<form method="post" action="login">')
    expect(before.body).not.toContain(NODE)
    const { headers, status } = await served.request('/login', form(served, TOKEN))
    expect(status).toBe(303)
    expect(headers.location).toBe('./')
    const [cookie = ''] = headers['set-cookie'] ?? []
    expect(cookie).toMatch(
      /^beamscope_\d+=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    expect(cookie).not.toContain(TOKEN)
    const session = { headers: { cookie: cookie.split(';')[0] ?? '' } }
    for (const path of ['/', '/metrics', '/api/nodes']) {
      expect(await served.request(path, session)).toMatchObject({ status: 200 })
    }
  })

  it('takes a form in pieces, as some proxies send it', async () => {
    await using served = await startServed({ token: TOKEN })
    const pieces = { 'transfer-encoding': 'chunked' }
    expect(await served.request('/login', form(served, TOKEN, pieces))).toMatchObject({
      status: 303,
      headers: { 'set-cookie': [expect.stringContaining('beamscope_')] },
    })
    expect(await served.request('/login', form(served, 'wrong', pieces))).toMatchObject({
      status: 401,
    })
    const large = form(served, 'x'.repeat(5_000), pieces)
    expect(await served.request('/login', large)).toMatchObject({ status: 413 })
  })

  it('says to a browser behind TLS that the cookie is for TLS alone', async () => {
    await using served = await startServed({ token: TOKEN })
    const requested = form(served, TOKEN, {
      host: 'scope.example',
      origin: 'https://scope.example',
    })
    const { headers, status } = await served.request('/login', requested)
    expect(status).toBe(303)
    expect(headers['set-cookie']?.[0]).toContain('; Secure')
  })

  it.each([
    ['in parts that are none', 'multipart/form-data; boundary=x', 'nothing of the kind'],
    ['in parts without a name for them', 'multipart/form-data', `--x\r\n\r\n${TOKEN}\r\n--x--`],
    ['of another kind', 'application/json', `{"token":"${TOKEN}"}`],
    ['of no kind', '', `token=${TOKEN}`],
    ['that has no token', 'application/x-www-form-urlencoded', '%%%&token'],
  ])('a form %s logs nobody in, and is no fault of the server', async (_, type, body) => {
    await using served = await startServed({ token: TOKEN })
    const origin = 'https://scope.example'
    const headers = { host: 'scope.example', origin, 'content-type': type }
    const answer = await served.request('/login', { method: 'POST', headers, body })
    expect(answer.status).toBe(401)
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  it('another site cannot log a browser in', async () => {
    await using served = await startServed({ token: TOKEN })
    for (const origin of [
      'https://evil.example',
      'null',
      '',
      `http://127.0.0.1:${served.port + 1}`,
    ]) {
      const { body, headers, status } = await served.request(
        '/login',
        form(served, TOKEN, { origin }),
      )
      expect([origin, status]).toEqual([origin, 403])
      expect(JSON.parse(body)).toMatchObject({ data: { code: 'ERR_SERVE_ORIGIN' } })
      expect(headers['set-cookie']).toBeUndefined()
    }
  })

  it('after five wrong tokens in a minute no other is looked at', async () => {
    await using served = await startServed({ token: TOKEN })
    for (let tries = 0; tries < 5; tries++) {
      const { body, status } = await served.request('/login', form(served, `wrong${tries}`))
      expect(status).toBe(401)
      expect(body).toContain('role="alert"')
      expect(body).not.toContain(`wrong${tries}`)
    }
    const { headers, status } = await served.request('/login', form(served, TOKEN))
    expect(status).toBe(429)
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    expect(headers['set-cookie']).toBeUndefined()
    // Programs, which have the whole token, are none of that.
    expect(await served.request('/metrics', bearer(TOKEN))).toMatchObject({ status: 200 })
  })

  it('a form is small', async () => {
    await using served = await startServed({ token: TOKEN })
    const { body, status } = await served.request('/login', form(served, 'x'.repeat(5_000)))
    expect(status).toBe(413)
    expect(JSON.parse(body)).toMatchObject({ data: { code: 'ERR_SERVE_BODY_SIZE' } })
  })
})

describe('without a token', () => {
  it.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '10.0.0.1', '[::2]'])(
    'nothing is answered to whoever calls it %j, as a page of that name would',
    async (host) => {
      await using served = await startServed()
      served.answer()
      for (const path of ['/', '/metrics', '/api/nodes', '/events']) {
        const { body, status } = await served.request(path, { headers: { host } })
        expect([400, 403]).toContain(status)
        expect(body).not.toContain(NODE)
      }
    },
  )

  it.each(['localhost', 'LOCALHOST:9369', '127.0.0.1:1', '127.8.8.8', '[::1]:9369', 'a.localhost'])(
    'it is answered as %s',
    async (host) => {
      await using served = await startServed()
      served.answer()
      expect(await served.request('/metrics', { headers: { host } })).toMatchObject({ status: 200 })
    },
  )

  it('has no host in the line of the request instead of that in the head', async () => {
    await using served = await startServed()
    served.answer()
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(served.port, '127.0.0.1', () => {
        socket.write(
          'GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
        )
      })
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('end', () => resolve(text))
      socket.on('error', reject)
    })
    expect(text).toMatch(/^HTTP\/1\.1 403 /)
    expect(text).not.toContain(NODE)
  })

  it('a page of another site is refused, and a link of it is followed', async () => {
    await using served = await startServed()
    served.answer()
    const from = (site: string, mode: string): Requested => ({
      headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode },
    })
    for (const path of ['/metrics', '/events', '/api/nodes']) {
      expect(await served.request(path, from('cross-site', 'no-cors'))).toMatchObject({
        status: 403,
      })
    }
    expect(await served.request('/', from('cross-site', 'navigate'))).toMatchObject({ status: 200 })
    expect(await served.request('/api/nodes', from('same-origin', 'cors'))).toMatchObject({
      status: 200,
    })
  })
})

describe('a token', () => {
  it('is shown by nothing', () => {
    const token = new Token(TOKEN)
    const shown = [
      inspect(token, { depth: 9, showHidden: true }),
      JSON.stringify(token),
      `${token}`,
      inspect(new Error('x', { cause: token }), { depth: 9, showHidden: true }),
    ]
    expect(shown.join(' ')).not.toContain(TOKEN)
  })

  it('is the same with the end of a line, and with nothing else', () => {
    expect(new Token(`${TOKEN}\n`).matches(TOKEN)).toBe(true)
    expect(new Token(TOKEN).matches(`${TOKEN}\n`)).toBe(false)
    expect(new Token(TOKEN).matches('')).toBe(false)
  })

  it.each([
    ['', 'fewer than 16'],
    ['short', 'fewer than 16'],
    ['x'.repeat(257), 'more than 256'],
    [`${TOKEN} ${TOKEN}`, 'one word'],
    [`${TOKEN}\u0000`, 'one word'],
    [`${TOKEN}\n${TOKEN}`, 'one word'],
    [`${TOKEN}\u00e9`, 'one word'],
  ])('%j is none', (text, why) => {
    const make = (): Token => new Token(text, 'it')
    expect(make).toThrow(InvalidTokenError)
    expect(make).toThrow(why)
    expect(make).not.toThrow(TOKEN)
  })
})
