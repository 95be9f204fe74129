import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'
import { failing, ScriptedCluster } from '../cluster/scripted-cluster.ts'
import { recordingOf, sampleAt } from '../history/recorded.ts'
import { request, TOKEN } from '../serve/served.ts'
import { runCli } from './run-cli.ts'
import { startServing } from './serving.ts'

const ROOT = new URL('../../', import.meta.url).pathname

/** Milliseconds; a busy machine takes its time. */
const LONG = 20_000

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-serve-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function tokenFile(name: string, text: string, mode = 0o400): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text, { mode })
  return file
}

describe('the command line', () => {
  it('is refused where everybody would see the nodes', async () => {
    for (const address of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'beamscope.example:0']) {
      const { code, stderr } = await runCli(['serve', 'a@127.0.0.1', '--listen', address])
      expect([address, code]).toEqual([address, 2])
      expect(stderr).toContain('a token is needed')
      expect(stderr).toContain('--token-file')
    }
  })

  it('is refused with a token that is none, or one that others can read, which it does not tell', async () => {
    const cases: readonly (readonly [
      argv: readonly string[],
      env: Record<string, string>,
      why: string,
    ])[] = [
      [['--token-file', await tokenFile('open', TOKEN, 0o644)], {}, 'can be read by others'],
      [['--token-file', await tokenFile('short', 'short')], {}, 'fewer than 16'],
      [['--token-file', await tokenFile('long', TOKEN.repeat(900))], {}, 'is larger than'],
      [['--token-file', join(folder, 'none')], {}, 'cannot be read: ENOENT'],
      [[], { BEAMSCOPE_TOKEN: 'short' }, 'fewer than 16'],
      [[], { BEAMSCOPE_TOKEN: `${TOKEN} ${TOKEN}` }, 'one word'],
      [[], { BEAMSCOPE_TOKEN: '' }, 'fewer than 16'],
    ]
    for (const [argv, env, why] of cases) {
      const { code, stderr, stdout } = await runCli(['serve', 'a@127.0.0.1', '-v', ...argv], {
        env,
      })
      expect([why, code]).toEqual([why, 2])
      expect(stderr).toContain(why)
      expect(stderr + stdout).not.toContain(TOKEN)
    }
  })

  it.each([
    [['--listen', '65536'], 'Write it as 9369'],
    [['--listen', 'a:b'], 'Write it as 9369'],
    [['--interval', '10ms'], '1s or more'],
    [['--find-interval', '0'], 'Write it as'],
    [['--otlp', 'ftp://a'], 'Write it as http'],
    [['--otlp', 'http://me:secret@a'], 'OTEL_EXPORTER_OTLP_HEADERS'],
    [['--ndjson'], '--ndjson is for sweep'],
    [['--snapshot', binarySpikeFile], 'exclude each other'],
  ])('is refused with %j', async (argv, why) => {
    const { code, stderr } = await runCli(['serve', 'a@127.0.0.1', ...argv], {
      env: { BEAMSCOPE_COOKIE: 'cookie' },
    })
    expect(code).toBe(2)
    expect(stderr).toContain(why)
  })

  it('is refused where somebody listens already', async () => {
    await using first = await startServing(['--snapshot', binarySpikeFile], {})
    const argv = ['serve', '--snapshot', binarySpikeFile, '--listen', `${first.port}`]
    const { code, stderr } = await runCli(argv)
    expect(code).toBe(2)
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${first.port}: somebody does already`)
  })
})

describe('a node that is served', () => {
  it('is asked once per interval, however many ask for it', async () => {
    await using node = await startReplayNode({ snapshotFile: binarySpikeFile })
    let asked = 0
    const count = (event: unknown): void => {
      if (typeof event === 'object' && event !== null && 'what' in event) {
        if (event.what === 'erlang:system_info/1') asked++
      }
    }
    const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
    subscribe('beamscope:call', count)
    onTestFinished(() => {
      unsubscribe('beamscope:call', count)
    })
    await using served = await startServing([node.name, '--interval', '30s'], env)
    const { port } = served
    await vi.waitUntil(async () => (await request(port, '/readyz')).status === 200, LONG)
    expect(asked).toBe(1)
    const paths = ['/metrics', '/api/nodes', `/api/nodes/${node.name}/diagnose`, '/']
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => request(port, paths[index % 4] ?? '')),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    const bodies = new Set(answers.filter((_, index) => index % 4 === 0).map(({ body }) => body))
    expect(bodies.size).toBe(1)
    expect(asked).toBe(1)
  })

  it('is shown as away, and comes back', async () => {
    const node = await startReplayNode({ snapshotFile: binarySpikeFile })
    const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
    await using served = await startServing([node.name, '--interval', '1s'], env)
    const isUp = async (): Promise<string | undefined> => {
      const { body } = await request(served.port, '/metrics')
      return /^beamscope_up\{.*\} (\d)$/m.exec(body)?.[1]
    }
    await vi.waitUntil(async () => (await isUp()) === '1', LONG)
    await node.close()
    await vi.waitUntil(async () => (await isUp()) === '0', LONG)
    const { body } = await request(served.port, '/metrics')
    expect(body).toMatch(/^beamscope_sample_failures_total\{node=".*",code="ERR_\w+"\} \d+$/m)
    expect(body).not.toContain('erlang_vm_allocators')
    expect(served.printed()).toContain(`${node.name} answers\n`)
  })

  it('is found when it comes, and so is what keeps others from being found, which is told once', async () => {
    await using first = await ScriptedCluster.start({ 'n0@127.0.0.1': failing })
    const { epmdPort } = first.options
    const env = { BEAMSCOPE_COOKIE: 'secret', ERL_EPMD_PORT: `${epmdPort}` }
    const here = ['--epmd-host', '127.0.0.1', '--epmd-host', 'localhost:1']
    const often = ['--find-interval', '1s', '--interval', '1s']
    await using served = await startServing([...here, ...often], env)
    const nodes = async (): Promise<string> => (await request(served.port, '/api/nodes')).body
    expect(await nodes()).toContain('n0@127.0.0.1')
    expect(await nodes()).not.toContain('n1@127.0.0.1')
    await using _ = await ScriptedCluster.start({ 'n1@127.0.0.1': failing }, { epmdPort })
    await vi.waitUntil(async () => (await nodes()).includes('n1@127.0.0.1'), LONG)
    await vi.waitUntil(() => served.printed().includes('n1@127.0.0.1:'), LONG)
    const lines = served.printed().split('\n')
    expect(lines.filter((line) => line === 'n1@127.0.0.1 was found')).toHaveLength(1)
    expect(lines.filter((line) => line.startsWith('EPMD of localhost:1: '))).toHaveLength(1)
    expect(await served.interrupt()).toBe(130)
  })

  it('has its cookie, and the token, in nothing that is served or printed', async () => {
    const cookie = 'CanaryOfACookie7291'
    await using node = await startReplayNode({ snapshotFile: binarySpikeFile, cookie })
    const env = {
      BEAMSCOPE_COOKIE: cookie,
      BEAMSCOPE_TOKEN: TOKEN,
      ERL_EPMD_PORT: `${node.epmdPort}`,
    }
    await using served = await startServing([node.name, '--interval', '30s', '--verbose'], env)
    const { port } = served
    await vi.waitUntil(async () => (await request(port, '/readyz')).status === 200, LONG)
    const headers = { authorization: `Bearer ${TOKEN}` }
    const paths = ['/', '/login', '/metrics', '/api/nodes', '/healthz', '/nothing']
    for (const command of ['diagnose', 'memory', 'allocators', 'history']) {
      paths.push(`/api/nodes/${node.name}/${command}`)
    }
    let seen = served.printed()
    for (const path of paths) {
      for (const given of [headers, {}]) {
        const answer = await request(port, path, { headers: given })
        seen += JSON.stringify(answer.headers) + answer.body
      }
    }
    for (const secret of [cookie, TOKEN]) {
      for (const form of [secret, btoa(secret), Buffer.from(secret).toString('hex')]) {
        expect(seen).not.toContain(form)
      }
    }
    expect(seen).toContain('<h1>')
  })
})

describe('a file', () => {
  it('is served as it is', async () => {
    await using served = await startServing(['--snapshot', binarySpikeFile], {})
    const { body } = await request(served.port, '/api/nodes')
    expect(JSON.parse(body)).toMatchObject({
      data: [{ up: true, summary: { data: { verdict: 'fragmented' } } }],
    })
    expect(await request(served.port, '/readyz')).toMatchObject({ status: 200 })
  })
})

describe('a recording', () => {
  const A = 'a@b'
  const B = 'c@d'
  let file = ''
  beforeAll(async () => {
    file = join(folder, 'two.recording')
    const series = Array.from({ length: 40 }, (_, index) => sampleAt(index, { node: A }))
    const both = series.flatMap((raw) => [raw, { ...raw, node: B }])
    await writeFile(file, recordingOf(both).bytes)
  })

  it('is served with all of its nodes, as commands show each, with all that was before', async () => {
    await using served = await startServing(['--snapshot', file], {})
    const { port } = served
    const { body: list } = await request(port, '/api/nodes')
    expect(JSON.parse(list)).toMatchObject({ data: [{ node: A }, { node: B }] })
    for (const node of [A, B]) {
      for (const command of ['diagnose', 'memory', 'allocators']) {
        const argv = [command, '--snapshot', file, '--of', node, '--json']
        const { stdout } = await runCli(argv)
        const { body } = await request(port, `/api/nodes/${node}/${command}`)
        expect([node, command, JSON.parse(body)]).toEqual([node, command, JSON.parse(stdout)])
      }
      const { body } = await request(port, `/api/nodes/${node}/history`)
      expect(JSON.parse(body).data.moments).toHaveLength(40)
    }
    const { body: page } = await request(port, `/?node=${encodeURIComponent(B)}`)
    expect(page).toContain(`<h1>${B}</h1>`)
  })

  it('is served as it was at a moment, of one node', async () => {
    const argv = ['--snapshot', file, '--of', B, '--at', '12:05']
    await using served = await startServing(argv, {})
    const { body } = await request(served.port, '/api/nodes')
    expect(JSON.parse(body)).toMatchObject({
      data: [{ node: B, summary: { taken_at: '2026-01-31T12:05:00.000Z' } }],
    })
    const { body: history } = await request(served.port, `/api/nodes/${B}/history`)
    expect(JSON.parse(history).data.moments).toHaveLength(31)
  })
})

describe('the process', () => {
  const program = join(ROOT, 'lib/cli/main.cjs')
  const argv = ['serve', '--snapshot', binarySpikeFile, '--listen', '0']

  async function start(file: string, more: readonly string[] = []) {
    const child = spawn(process.execPath, [file, ...argv, ...more], { env: {} })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    let printed = ''
    child.stderr.on('data', (chunk) => {
      printed += chunk
    })
    const ended = once(child, 'close')
    return { child, ended, printed: () => printed }
  }

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends by %s with %i while a page is open', async (signal, code) => {
    const { child, ended, printed } = await start(program)
    const port = await vi.waitUntil(() => /127\.0\.0\.1:(\d+)/.exec(printed())?.[1], LONG)
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    })
    await once(socket, 'data')
    const closed = once(socket, 'close')
    socket.resume()
    child.kill(signal)
    expect(await ended).toEqual([code, null])
    await closed
    expect(printed().trim().split('\n')).toHaveLength(1)
  })

  it('ends by it although a collector never answers', async () => {
    const collector = createServer(() => {})
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      collector.closeAllConnections()
      collector.close()
    })
    const address = collector.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const sent = once(collector, 'request')
    const more = ['--otlp', `http://127.0.0.1:${port}`, '--interval', '1s']
    const { child, ended } = await start(program, more)
    await sent
    child.kill('SIGINT')
    expect(await ended).toEqual([130, null])
  })

  it('says what to install where the OpenTelemetry SDK is missing', async () => {
    const alone = join(folder, 'alone')
    for (const part of ['lib', 'package.json']) {
      await cp(join(ROOT, part), join(alone, part), { recursive: true })
    }
    await cp(join(ROOT, 'node_modules/bigint-buffer'), join(alone, 'node_modules/bigint-buffer'), {
      recursive: true,
    })
    const file = join(alone, 'lib/cli/main.cjs')
    const { ended, printed } = await start(file, ['--otlp', 'http://127.0.0.1:1'])
    expect(await ended).toEqual([2, null])
    expect(printed()).toContain('--otlp needs the OpenTelemetry SDK')
    expect(printed()).toContain('npm install @opentelemetry/sdk-metrics@2')
  })
})
