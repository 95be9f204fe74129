import { describe, expect, it } from 'vitest'
import { diagnose } from '../../src/analysis/diagnose.ts'
import { HistoryBuilder } from '../../src/analysis/history.ts'
import { toJson } from '../../src/analysis/json.ts'
import { UNITS } from '../../src/analysis/unit.ts'
import { ConnectionRefusedError } from '../../src/net/errors.ts'
import { COMMAND_JSON } from '../../src/present/command-json.ts'
import { jsonText } from '../../src/present/json.ts'
import { binarySpikeFile } from '../../src/replay/start-replay-node.ts'
import { runCli } from '../cli/run-cli.ts'
import { NODE, OTHER, snapshot, startServed, VERSION } from './served.ts'

const PATH = `/api/nodes/${encodeURIComponent(NODE)}`

describe('the API', () => {
  it('answers what each command prints with --json', async () => {
    await using served = await startServed()
    served.answer()
    for (const command of COMMAND_JSON.keys()) {
      for (const unit of UNITS) {
        const { stdout } = await runCli([
          ...[command, '--snapshot', binarySpikeFile],
          ...['--json', '--unit', unit],
        ])
        const { body, headers, status } = await served.request(`${PATH}/${command}?unit=${unit}`)
        expect([command, unit, status]).toEqual([command, unit, 200])
        expect(headers['content-type']).toBe('application/json; charset=utf-8')
        expect(body).toBe(stdout)
      }
      const { body } = await served.request(`${PATH}/${command}`)
      expect(JSON.parse(body)).toMatchObject({ unit: 'byte' })
    }
  })

  it('answers the diagnosis with what the history of the node shows', async () => {
    await using served = await startServed()
    served.answer()
    const history = new HistoryBuilder()
    history.add(snapshot)
    const diagnosis = diagnose(snapshot, { history: history.build() })
    const { body } = await served.request(`${PATH}/diagnose`)
    expect(body).toBe(jsonText('diagnose', { ...snapshot, unit: 'byte' }, toJson(diagnosis)))
    expect(JSON.parse(body)).toMatchObject({ data: { verdict: 'fragmented' } })
  })

  it('lists the nodes, with what is known of each, and why there is nothing newer', async () => {
    await using served = await startServed({ names: [NODE, OTHER] })
    served.answer()
    served.fail(new ConnectionRefusedError('127.0.0.1:1'), OTHER)
    const { body } = await served.request('/api/nodes')
    expect(JSON.parse(body)).toMatchObject({
      beamscope: 'nodes/1',
      taken_at: expect.any(String),
      data: [
        {
          node: NODE,
          up: true,
          summary: { beamscope: 'sweep-node/1', data: { verdict: 'fragmented' } },
          failure: null,
        },
        { node: OTHER, up: false, summary: null, failure: { code: 'ERR_NET_REFUSED' } },
      ],
    })
  })

  it('keeps what a node said last while it does not answer, and says of when it is', async () => {
    await using served = await startServed()
    served.answer()
    served.fail(new ConnectionRefusedError('127.0.0.1:1'))
    const { body, status } = await served.request(`${PATH}/memory`)
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ taken_at: snapshot.takenAt })
    const { body: list } = await served.request('/api/nodes')
    expect(JSON.parse(list)).toMatchObject({ data: [{ up: false, summary: {}, failure: {} }] })
  })

  it('answers the moments of a node', async () => {
    await using served = await startServed()
    const begin = Date.parse('2026-01-31T12:00:00Z')
    for (const minute of [0, 1, 2]) {
      const takenAt = new Date(begin + minute * 60_000).toISOString()
      served.answer(NODE, { ...snapshot, takenAt })
    }
    const { body } = await served.request(`${PATH}/history`)
    expect(JSON.parse(body)).toMatchObject({
      beamscope: 'history/1',
      unit: 'byte',
      data: {
        moments: [0, 60_000, 120_000].map((after) => ({
          time: begin + after,
          resident: 610_250_752,
          allocated: 601_047_040,
          allocators: expect.any(Array),
        })),
      },
    })
  })

  it.each([
    ['/api/nodes/nobody@nowhere/memory', 'GET', 404, 'ERR_SERVE_NODE'],
    [`${PATH}/memory?unit=furlong`, 'GET', 400, 'ERR_SERVE_UNIT'],
    [`${PATH}/call`, 'GET', 404, 'ERR_SERVE_ROUTE'],
    [`${PATH}/__proto__`, 'GET', 404, 'ERR_SERVE_ROUTE'],
    ['/api', 'GET', 404, 'ERR_SERVE_ROUTE'],
    ['/../../etc/passwd', 'GET', 404, 'ERR_SERVE_ROUTE'],
    ['/.erlang.cookie', 'GET', 404, 'ERR_SERVE_ROUTE'],
    ['/?node=nobody', 'GET', 404, 'ERR_SERVE_NODE'],
    ['/events?node=nobody', 'GET', 404, 'ERR_SERVE_NODE'],
    [`${PATH}/memory`, 'POST', 405, 'ERR_SERVE_METHOD'],
    [`${PATH}/memory`, 'DELETE', 405, 'ERR_SERVE_METHOD'],
    ['/metrics', 'OPTIONS', 405, 'ERR_SERVE_METHOD'],
    ['/', 'PUT', 405, 'ERR_SERVE_METHOD'],
  ])('refuses %s by %s with %i', async (path, method, status, code) => {
    await using served = await startServed()
    served.answer()
    const answer = await served.request(path, { method })
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({ beamscope: 'error/1', data: { code } })
  })

  it('says why a node has said nothing yet', async () => {
    await using served = await startServed()
    const before = await served.request(`${PATH}/memory`)
    expect(before.status).toBe(503)
    expect(JSON.parse(before.body)).toMatchObject({ data: { code: 'ERR_SERVE_NO_SAMPLE' } })
    served.fail(new ConnectionRefusedError('127.0.0.1:1'))
    const { body } = await served.request(`${PATH}/memory`)
    expect(JSON.parse(body)).toMatchObject({
      data: { message: `${NODE} has not answered yet: nobody listens on 127.0.0.1:1` },
    })
  })
})

describe('metrics', () => {
  const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'
  const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

  it.each([
    ['', PROMETHEUS],
    ['*/*', PROMETHEUS],
    ['text/html', PROMETHEUS],
    ['text/plain', PROMETHEUS],
    ['application/vnd.google.protobuf;q=0.9', PROMETHEUS],
    ['application/openmetrics-text', OPENMETRICS],
    ['application/openmetrics-text;q=0.1,text/plain;q=0.9', PROMETHEUS],
    [
      // Prometheus 2.42.
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,' +
        'text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      OPENMETRICS,
    ],
    [
      // Prometheus 3.
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,' +
        'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,' +
        'text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      OPENMETRICS,
    ],
  ])('for who accepts %j are %s', async (accept, type) => {
    await using served = await startServed()
    served.answer()
    const { body, headers } = await served.request(
      '/metrics',
      accept === '' ? {} : { headers: { accept } },
    )
    expect(headers['content-type']).toBe(type)
    expect(headers.vary).toBe('Accept')
    expect(body.endsWith('\n# EOF\n')).toBe(type === OPENMETRICS)
    expect(body).toContain(`beamscope_up{node="${NODE}"} 1\n`)
  })

  it('are of now, also for who has asked before', async () => {
    await using served = await startServed()
    const up = async (): Promise<string | undefined> =>
      /^beamscope_up\{.*\} (\d)$/m.exec((await served.request('/metrics')).body)?.[1]
    expect(await up()).toBe('0')
    served.answer()
    expect(await up()).toBe('1')
    served.fail(new Error('x'))
    expect(await up()).toBe('0')
  })

  it('have a label for each instance if that is wanted', async () => {
    await using served = await startServed({ instances: true })
    served.answer()
    const { body } = await served.request('/metrics')
    expect(body).toContain('alloc="binary_alloc",instance_no="4",kind="mbcs_pool",usage="blocks"}')
  })
})

describe('what a node says', () => {
  const HOSTILE = '</script><img src=x onerror=alert(1)>"\'&\u202e\u001b[2J\n\nevent: x'

  it('is text wherever it is served', async () => {
    await using served = await startServed({ names: [NODE, HOSTILE] })
    const [first, ...others] = snapshot.allocators
    const allocators = first === undefined ? [] : [{ ...first, allocator: HOSTILE }, ...others]
    const missing = [{ what: HOSTILE, why: HOSTILE }]
    const hostile = { ...snapshot, node: HOSTILE, otpRelease: HOSTILE, missing, allocators }
    served.answer(NODE, hostile)
    served.fail(new Error(HOSTILE), HOSTILE)
    const paths = ['diagnose', 'history', ...COMMAND_JSON.keys()].map((it) => `${PATH}/${it}`)
    for (const path of ['/', '/metrics', '/api/nodes', ...paths]) {
      const { body, status } = await served.request(path)
      expect([path, status]).toEqual([path, 200])
      for (const unseen of ['\u202e', '\u001b']) expect(body).not.toContain(unseen)
      if (path === '/') expect(body).not.toContain('<img')
      else if (path !== '/metrics') expect(JSON.stringify(JSON.parse(body))).toContain('<img')
    }
  })
})

describe('the page', () => {
  it('is of the node that is chosen, or of the first', async () => {
    await using served = await startServed({ names: [NODE, OTHER] })
    served.answer()
    const first = await served.request('/')
    expect(first.status).toBe(200)
    expect(first.headers['content-type']).toBe('text/html; charset=UTF-8')
    expect(first.body).toContain(`<h1>${NODE}</h1>`)
    expect(first.body).toContain('data-events="events"')
    expect(first.body).toContain(VERSION)
    const other = await served.request(`/?node=${encodeURIComponent(OTHER)}`)
    expect(other.body).toContain('Waiting for the first answer of the node.')
  })
})

describe('whoever looks after the process', () => {
  it('is told that it runs, and whether a node has answered lately', async () => {
    await using served = await startServed({ maxAge: 60_000 })
    expect(await served.request('/healthz')).toMatchObject({ status: 200, body: 'ok\n' })
    expect(await served.request('/readyz')).toMatchObject({ status: 503 })
    served.fail(new Error('x'))
    expect(await served.request('/readyz')).toMatchObject({ status: 503 })
    served.answer()
    expect(await served.request('/readyz')).toMatchObject({ status: 200, body: 'ready\n' })
  })

  it('is told that an answer is too old', async () => {
    await using served = await startServed({ maxAge: -1 })
    served.answer()
    expect(await served.request('/readyz')).toMatchObject({ status: 503 })
  })
})

describe('every answer', () => {
  it('has a head, which opens nothing and holds nothing back', async () => {
    await using served = await startServed()
    served.answer()
    for (const path of ['/', '/metrics', '/events', '/api/nodes', '/nothing']) {
      const { status } = path === '/events' ? { status: 200 } : await served.request(path)
      expect([path, await served.request(path, { method: 'HEAD' })]).toMatchObject([
        path,
        { status, body: '' },
      ])
    }
    expect(served.viewers.count).toBe(0)
  })

  it.each(['/', '/login', '/metrics', '/api/nodes', '/healthz', '/nothing'])(
    'has at %s what keeps browsers from doing anything with it',
    async (path) => {
      await using served = await startServed()
      served.answer()
      const { headers } = await served.request(path, {
        headers: { origin: 'https://evil.example' },
      })
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      })
      expect(Object.keys(headers).filter((it) => it.startsWith('access-control'))).toEqual([])
    },
  )
})
