/**
 * That neither a cookie nor a private key stands anywhere but where the user has put it, whichever command is run,
 * whatever becomes of it, and wherever the secret came from.
 */
import { spawn } from 'node:child_process'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createWholeProgram } from '../../src/cli/program.ts'
import { Cookie } from '../../src/dist/cookie.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import { HiddenNode } from '../../src/node/hidden-node.ts'
import { readTlsFiles } from '../../src/node/tls-files.ts'
import { ReplayNode } from '../../src/replay/replay-node.ts'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'
import { everyCommand } from './every-command.ts'
import { makeContext } from './made-context.ts'
import { type CliOptions, type CliResult, runCli } from './run-cli.ts'

const COOKIE = 'CanaryOfACookie7291'

const fixture = (name: string): string =>
  new URL(`../fixtures/tls/${name}`, import.meta.url).pathname
const KEY = readFileSync(fixture('client.key'), 'utf8')

/** The secrets as they are, and as something may have written them. */
const CANARIES: readonly string[] = [
  COOKIE,
  ...(['hex', 'base64', 'base64url'] as const).map((it) => Buffer.from(COOKIE).toString(it)),
  // As an array of bytes is inspected or put into JSON.
  [...Buffer.from(COOKIE)].slice(0, 8).join(','),
  [...Buffer.from(COOKIE)].slice(0, 8).join(', '),
  [...Buffer.from(COOKIE)]
    .slice(0, 8)
    .map((it) => it.toString(16))
    .join(' '),
  ...KEY.trim().split('\n').slice(1, -1),
]

function expectNoSecret(where: string, text: string): void {
  const found = CANARIES.filter((canary) => text.includes(canary))
  expect({ where, found }).toEqual({ where, found: [] })
}

const folder = mkdtempSync(join(tmpdir(), 'beamscope-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string, mode = 0o400): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}
const cookieFile = write('.erlang.cookie', `${COOKIE}\n`)
const openFile = write('open', COOKIE, 0o644)
const keyFile = write('key', KEY)
const openKey = write('open-key', KEY, 0o640)

/** Every command that connects; the others take no cookie. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  diagnose: ['NODE', 'NODE --deep', '--cluster NODE', 'NODE NODE --via NODE'],
  memory: ['NODE'],
  fragmentation: ['NODE'],
  'average-block-sizes': ['NODE'],
  'sbcs-to-mbcs': ['NODE'],
  'cache-hit-rates': ['NODE'],
  allocators: ['NODE --settings'],
  carriers: ['NODE'],
  report: ['NODE -o FOLDER/report.html --force'],
  sweep: ['NODE', '--cluster NODE --json'],
  serve: ['--cluster NODE --dry-run'],
  watch: ['NODE --samples 1', '--cluster NODE --samples 1 --ndjson'],
  record: [
    'NODE -o FOLDER/day.recording --samples 1',
    'NODE NODE -o FOLDER/via.recording --via NODE --samples 1',
  ],
  'snapshot save': ['NODE -o FOLDER/saved --force', 'NODE -o FOLDER/terms --format terms --force'],
  'snapshot diff': [`${binarySpikeFile} NODE`],
  ping: ['NODE'],
  call: ['NODE erlang:memory()', 'NODE erlang:halt()'],
}
const WITHOUT_COOKIE = ['demo', 'names', 'snapshot show']

it('is looked for in the output of every command that takes a cookie', async () => {
  expect([...Object.keys(CASES), ...WITHOUT_COOKIE].sort()).toEqual(
    [...(await everyCommand())].sort(),
  )
})

/** All that is told to whoever listens. */
function eavesdrop(): () => string {
  const events: unknown[] = []
  const names = ['connect', 'handshake', 'call', 'tick', 'register', 'close']
  const take = (event: unknown): void => {
    events.push(event)
  }
  for (const name of names) {
    subscribe(`beamscope:${name}`, take)
    onTestFinished(() => {
      unsubscribe(`beamscope:${name}`, take)
    })
  }
  expect(names.every((name) => channel(`beamscope:${name}`).hasSubscribers)).toBe(true)
  return () => inspect(events, { depth: 30, showHidden: true, maxArrayLength: 1_000 })
}

const SOURCES: readonly (readonly [
  source: string,
  argv: readonly string[],
  options: CliOptions,
])[] = [
  ['--cookie-file', ['--cookie-file', cookieFile], {}],
  ['--cookie-stdin', ['--cookie-stdin'], { input: `${COOKIE}\n` }],
  ['BEAMSCOPE_COOKIE', [], { env: { BEAMSCOPE_COOKIE: COOKIE } }],
  ['~/.erlang.cookie', [], { env: { HOME: folder } }],
]

describe.each(SOURCES)('a cookie by %s', (source, given, options) => {
  it('is nowhere, whatever becomes of the command', async () => {
    const told = eavesdrop()
    await using node = await startReplayNode({ snapshotFile: binarySpikeFile, cookie: COOKIE })
    await using other = await startReplayNode({ snapshotFile: binarySpikeFile, cookie: 'other' })
    const tls = ['--tls', '--cert', fixture('client.pem'), '--key', keyFile]
    const ends: readonly (readonly [port: number, more: readonly string[], codes: RegExp])[] = [
      [node.epmdPort, [], /^[056]$/],
      // The wrong cookie, nobody there, no TLS, no time.
      [other.epmdPort, [], /^[46]$/],
      [1, [], /^[36]$/],
      [node.epmdPort, tls, /^[346]$/],
      [node.epmdPort, ['--timeout', '1ms'], /^[0356]$/],
    ]
    // Where it came from is told by the way, not by the command.
    const cases = Object.entries(CASES).slice(0, source === '--cookie-file' ? undefined : 1)
    for (const [name, lines] of cases) {
      for (const line of lines) {
        for (const [port, more, codes] of ends) {
          const words = line.replace('FOLDER', folder).replaceAll('NODE', node.name).split(' ')
          const argv = [...name.split(' '), ...words, ...given, ...more, '--verbose']
          const env = { ERL_EPMD_PORT: `${port}`, HOME: '/nowhere', ...options.env }
          const { code, stdout, stderr } = await runCli(argv, { ...options, env })
          expect({ argv, stderr, code: `${code}` }).toMatchObject({
            code: expect.stringMatching(codes),
          })
          expectNoSecret(argv.join(' '), stdout + stderr)
        }
      }
    }
    expectNoSecret('events', told())
    for (const name of readdirSync(folder)) {
      if (!/cookie|open|key/.test(name))
        expectNoSecret(name, readFileSync(join(folder, name), 'latin1'))
    }
  })
})

const WITH_TLS = ['--cookie-file', cookieFile, '--port', '1', '--tls']

it.each<readonly [what: string, argv: readonly string[], options: CliOptions]>([
  ['a file that others can read', ['--cookie-file', openFile], {}],
  [
    'a key that others can read',
    [...WITH_TLS, '--cert', fixture('client.pem'), '--key', openKey],
    {},
  ],
  [
    'a key for another certificate',
    [...WITH_TLS, '--cert', fixture('node.pem'), '--key', keyFile],
    {},
  ],
  ['a key as a certificate', [...WITH_TLS, '--cert', keyFile, '--key', keyFile], {}],
  ['a key as an authority', [...WITH_TLS, '--ca', keyFile], {}],
  ['a key as a cookie', ['--cookie-file', keyFile], {}],
  ['a cookie of two lines', ['--cookie-stdin'], { input: `${COOKIE}\n${COOKIE}` }],
  ['a cookie that is too long', ['--cookie-stdin'], { input: COOKIE.repeat(100) }],
  ['a variable that is no cookie', [], { env: { BEAMSCOPE_COOKIE: `${COOKIE}\u0100` } }],
  ['a cookie as a list of nodes', ['--nodes-file', cookieFile, '--cookie-file', cookieFile], {}],
  ['a key as a list of nodes', ['--nodes-file', keyFile, '--cookie-file', cookieFile], {}],
  ['a cookie as a snapshot', ['--snapshot', cookieFile], {}],
  ['a key as a snapshot', ['--snapshot', keyFile], {}],
])('nothing of %s is in the error', async (_, given, options) => {
  const isOfFile = given.includes('--snapshot') || given.includes('--nodes-file')
  const argv = ['memory', ...(isOfFile ? [] : ['a@127.0.0.1']), ...given, '--verbose']
  const { code, stdout, stderr } = await runCli(argv, options)
  expect([2, 5, 6]).toContain(code)
  expectNoSecret(argv.join(' '), stdout + stderr)
})

it('is in nothing that is looked into, made into text, or thrown', async () => {
  const cookie = new Cookie(COOKIE)
  const tls = await readTlsFiles({
    ca: fixture('authority.pem'),
    cert: fixture('client.pem'),
    key: keyFile,
  })
  const { recording, ...replaying } = await startReplayNode({ snapshotFile: binarySpikeFile })
  await replaying.close()
  await using served = await ReplayNode.start({ name: 'a@127.0.0.1', cookie, recording })
  await using node = new HiddenNode({ cookie, port: served.port })
  const remote = await node.connect('a@127.0.0.1')
  await using secured = new HiddenNode({ cookie, port: served.port, tls })
  const failures = await Promise.all(
    [
      remote.call('erlang', 'halt', []),
      secured.connect('a@127.0.0.1'),
      new HiddenNode({ cookie: new Cookie('other'), port: served.port }).connect('a@127.0.0.1'),
    ].map((work) =>
      work.then(
        () => undefined,
        (error: unknown) => error,
      ),
    ),
  )
  expect(failures.every((it) => it instanceof Error)).toBe(true)
  for (const it of [
    cookie,
    node,
    remote,
    secured,
    served,
    ...failures,
    new Error('x', { cause: node }),
  ]) {
    expectNoSecret('inspected', inspect(it, { depth: 30, showHidden: true, getters: true }))
    expectNoSecret('JSON', JSON.stringify(it) ?? '')
    expectNoSecret('text', String(it instanceof Error ? it.stack : it))
  }
})

describe.skipIf(process.platform !== 'linux')('the process', () => {
  const program = new URL('../../lib/cli/main.cjs', import.meta.url).pathname

  it.each(SOURCES)('has no cookie by %s to be seen by others', async (source, given, options) => {
    // Somebody who never answers, so that there is time to look.
    let connected = (): void => {}
    const isConnected = new Promise<void>((resolve) => {
      connected = resolve
    })
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, () => connected())
    const argv = [
      program,
      'ping',
      'a@127.0.0.1',
      '--port',
      `${listener.port}`,
      ...given,
      '--verbose',
    ]
    const env = {
      NODE_DEBUG: 'net,tls,timer,fs,module',
      HOME: '/nowhere',
      ...options.env,
    }
    const child = spawn(process.execPath, argv, { env })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    child.stdin.end(options.input ?? '')
    await isConnected
    const look = (name: string): string => readFileSync(`/proc/${child.pid}/${name}`, 'latin1')
    for (const name of ['cmdline', 'comm', 'status']) expectNoSecret(name, look(name))
    if (source === 'BEAMSCOPE_COOKIE') expect(look('environ')).toContain(COOKIE)
    else expectNoSecret('environ', look('environ'))
    child.kill('SIGTERM')
    await once(child, 'close')
    await listener.close()
    expect(output).toContain('NET')
    expectNoSecret('output', output)
  })
})

it('has no option that takes a secret, or lets TLS believe anybody', async () => {
  const program = await createWholeProgram(makeContext().context)
  const options = program.commands
    .flatMap((command) => [command, ...command.commands])
    .flatMap((command) => command.options)
  const names = [...new Set(options.map(({ long }) => long ?? ''))]
  expect(names).toContain('--tls')
  expect(names.filter((it) => /cookie|secret|pass|token|key/.test(it))).toEqual([
    // Names of files, and nothing.
    '--cookie-file',
    '--cookie-stdin',
    '--key',
    '--token-file',
  ])
  expect(names.filter((it) => /insecure|verif|reject|trust|unauth|^--no-/.test(it))).toEqual([])
})

it('asks a node nothing in which its own cookie could stand', async () => {
  const { startHostileNode } = await import('./hostile-node.ts')
  await using node = await startHostileNode('says')
  const asked = new Set<string>()
  const take = (event: unknown): void => {
    if (typeof event === 'object' && event !== null && 'what' in event)
      asked.add(String(event.what))
  }
  subscribe('beamscope:call', take)
  const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
  for (const [name, lines] of Object.entries(CASES)) {
    for (const line of name === 'call' ? [] : lines) {
      const words = line.replace('FOLDER', folder).replaceAll('NODE', node.name).split(' ')
      const { code }: CliResult = await runCli([...name.split(' '), ...words], { env })
      expect(code).not.toBe(2)
    }
  }
  unsubscribe('beamscope:call', take)
  expect([...asked].sort()).toEqual([
    'erlang:memory/0',
    'erlang:nodes/1',
    'erlang:process_info/2',
    'erlang:processes/0',
    'erlang:system_info/1',
    'ets:all/0',
    'instrument:carriers/1',
    'lists:map/2',
    'lists:zipwith/3',
  ])
})
