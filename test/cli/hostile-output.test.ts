/**
 * That nothing from outside steers the terminal, whichever command prints it and wherever it stood: in what a node
 * says or raises, in names, in files, and in what was typed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWholeProgram } from '../../src/cli/program.ts'
import { CLIENT_FLAGS } from '../../src/dist/flags.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import { uint32, uint64, wire } from '../dist/wire.ts'
import { everyCommand } from './every-command.ts'
import { HOSTILE, MOODS, startHostileNode } from './hostile-node.ts'
import { makeContext } from './made-context.ts'
import { type CliResult, runCli } from './run-cli.ts'

/** Every command, with words of its own for NODE, and for a snapshot FILE. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  // The first, so that others read it.
  record: [
    'NODE -o FOLDER/recordSAVED --samples 1',
    'NODE NODE -o FOLDER/recordSAVED --samples 2 --interval 100ms --max-age 1m',
    'EVIL NODE -o FOLDER/recordSAVED --samples 1',
    'NODE -o FILE',
  ],
  diagnose: [
    'NODE',
    'NODE --deep',
    'NODE --vm-args',
    '--cluster NODE --deep',
    '--snapshot FILE',
    '--snapshot FOLDER/recordSAVED',
    '--snapshot FOLDER/recordSAVED --of EVIL',
  ],
  memory: ['NODE', '--snapshot FILE', 'NODE NODE --via NODE', '--cluster NODE'],
  fragmentation: ['NODE --all', '--snapshot FILE --all'],
  'average-block-sizes': ['NODE', '--snapshot FILE'],
  'sbcs-to-mbcs': ['NODE', '--snapshot FILE'],
  'cache-hit-rates': ['NODE --all', '--snapshot FILE --all'],
  allocators: ['NODE', 'NODE --settings', '--snapshot FILE', '--snapshot FILE --settings'],
  carriers: ['NODE --all', '--cluster NODE'],
  report: [
    'NODE -o -',
    'NODE --deep --carriers -o -',
    '--snapshot FILE -o -',
    'NODE -o FOLDER/SAVED --force',
  ],
  sweep: [
    '--cluster NODE',
    '--cluster NODE --hidden --dry-run',
    'NODE --ndjson',
    'NODE --via NODE',
  ],
  serve: ['NODE --dry-run', '--cluster NODE --hidden --dry-run', 'EVIL', '--listen EVIL'],
  watch: ['NODE --samples 1', 'NODE --samples 1 --ndjson', '--cluster NODE --samples 1'],
  'snapshot save': [
    'NODE -o - --format terms',
    'NODE -o FOLDER/SAVED --force',
    '--snapshot FILE -o FILE',
  ],
  'snapshot show': ['FILE', 'FOLDER/recordSAVED'],
  'snapshot diff': ['FILE NODE', 'FILE FILE'],
  ping: ['NODE', 'EVIL'],
  names: ['127.0.0.1', 'EVIL'],
  call: ['NODE a:b()', 'NODE EVIL', "NODE a:b('EVIL')"],
  demo: [''],
}

/** What asks nodes until it is interrupted. */
const ENDLESS: ReadonlySet<string> = new Set(['serve'])

/** What is neither to be seen nor an end of a line; our own colours are taken away first. */
const INVISIBLE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u
const ESCAPE = '\u001b'
const COLORS = new RegExp(`${ESCAPE}\\[\\d+m`, 'g')

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-hostile-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Names of files have no NUL. */
const FILE_NAME = HOSTILE.replaceAll('\u0000', '').replaceAll('/', '')

function words(line: string, name: string): readonly string[] {
  return line
    .split(' ')
    .filter((word) => word !== '')
    .map((word) =>
      word
        .replace('NODE', name)
        .replace('FILE', join(folder, FILE_NAME))
        .replace('FOLDER', folder)
        .replace('SAVED', `saved${FILE_NAME}`)
        .replace('EVIL', HOSTILE),
    )
}

function expectVisible(argv: readonly string[], { stdout, stderr }: CliResult): void {
  const text = (stdout + stderr).replaceAll(COLORS, '')
  const [found] = INVISIBLE.exec(text) ?? []
  const at =
    found === undefined ? '' : JSON.stringify(text.slice(Math.max(0, text.indexOf(found) - 60)))
  expect({ argv, found: found?.codePointAt(0)?.toString(16), at }).toEqual({ argv, at: '' })
}

it('is looked at for every command that there is', async () => {
  expect(Object.keys(CASES).sort()).toEqual([...(await everyCommand())].sort())
})

describe.each(MOODS)('a hostile node that %s', (mood) => {
  it('steers no terminal, and changes no prototype', async () => {
    await using node = await startHostileNode(mood)
    const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
    const properties = Object.getOwnPropertyNames(Object.prototype)
    // A file of the same, for whatever reads files.
    if (mood === 'says') {
      const file = join(folder, FILE_NAME)
      const argv = ['snapshot', 'save', node.name, '-o', file, '--force']
      const saved = await runCli(argv, { env })
      expect(saved.stderr).toContain('native')
      expect(saved).toMatchObject({ code: 0 })
      expectVisible(argv, saved)
    }
    for (const [name, lines] of Object.entries(CASES)) {
      for (const line of lines) {
        const argv = [...name.split(' '), ...words(line, node.name)]
        expectVisible(argv, await runCli([...argv, '--verbose'], { env, columns: 100 }))
        const json = await runCli([...argv, '--json'], { env })
        expectVisible(argv, json)
        if (json.code !== 0) continue
        // It is the same after all that was escaped.
        for (const text of json.stdout.trim().split('\n'))
          expect(JSON.parse(text)).toBeTypeOf('object')
      }
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(properties)
    expect(Reflect.get({}, HOSTILE)).toBeUndefined()
  })
})

it('stands as data where JavaScript gives a name a meaning', async () => {
  await using node = await startHostileNode('says')
  const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
  const { stdout } = await runCli(['call', node.name, 'erlang:memory()', '--json'], { env })
  expect(JSON.parse(stdout).data.term).toContain("{'__proto__',1000000}")
  const allocators = await runCli(['allocators', node.name, '--json'], { env })
  const { instances } = JSON.parse(allocators.stdout).data
  const binary = instances.find((it: { allocator: string }) => it.allocator === 'binary_alloc')
  const types = binary.mbcs.blocks_by_type.map((it: { allocator: string }) => it.allocator)
  expect(types).toEqual(expect.arrayContaining([HOSTILE, '__proto__']))
})

describe('what is typed', () => {
  it('steers no terminal, in whichever option it stood', async () => {
    const program = await createWholeProgram(makeContext().context)
    const lines = [[HOSTILE], [`--${HOSTILE}`], ['help', HOSTILE], ['snapshot', HOSTILE]]
    for (const command of program.commands.flatMap((it) => [it, ...it.commands])) {
      const { parent } = command
      const path = parent === null || parent === program ? [] : [parent.name()]
      const values = command.options.filter(({ required }) => required)
      for (const { long } of values) {
        // It would watch for ever that nobody is there.
        const ended = command.name() === 'watch' ? ['--samples', '1'] : []
        lines.push([...path, command.name(), 'a@127.0.0.1', ...ended, long ?? '', HOSTILE])
      }
      lines.push([...path, command.name(), `--${HOSTILE}`])
    }
    expect(lines.length).toBeGreaterThan(200)
    // A port on which nobody listens, for whatever is not refused before.
    const env = { BEAMSCOPE_COOKIE: 'cookie', ERL_EPMD_PORT: '1', HOME: '/nowhere' }
    for (const argv of lines) {
      // What would go on for ever is interrupted.
      const signal = ENDLESS.has(argv[0] ?? '') ? AbortSignal.timeout(500) : undefined
      const result = await runCli(argv, { env, columns: 100, ...(signal && { signal }) })
      expect([argv, result.code]).not.toEqual([argv, 0])
      expectVisible(argv, result)
    }
  })

  it('steers none as a cookie that cannot be one', async () => {
    const argv = ['ping', 'a@127.0.0.1']
    expectVisible(argv, await runCli(argv, { env: { BEAMSCOPE_COOKIE: HOSTILE } }))
    expectVisible(argv, await runCli([...argv, '--cookie-stdin'], { input: HOSTILE }))
  })
})

describe('a peer that does not speak as it should', () => {
  /** Answers whoever connects with these bytes, behind the length of a handshake's message if one is asked for. */
  async function answering(...messages: readonly Uint8Array[]) {
    return listenTcp({ host: '127.0.0.1', port: 0 }, (transport) => {
      transport.start({
        data: () => {
          for (const message of messages) transport.write(message)
          transport.close()
        },
        end: () => {},
      })
    })
  }
  const framed = (...parts: readonly (number | string | Uint8Array)[]): Uint8Array => {
    const message = wire(...parts)
    return wire(message.length >> 8, message.length & 255, message)
  }
  const name = new TextEncoder().encode(`${HOSTILE}@127.0.0.1`)

  it.each([
    ['its status', [framed('s', HOSTILE)]],
    [
      'its name',
      [
        framed('sok'),
        // Flags, challenge, creation, the length of the name.
        framed('N', uint64(CLIENT_FLAGS), uint32(1), uint32(2), 0, name.length, name),
      ],
    ],
    ['the name that it gives', [framed('snamed:', 0, name.length, name, uint32(3))]],
    ['what is no message', [wire(HOSTILE)]],
  ])('steers no terminal by %s', async (_, messages) => {
    const listener = await answering(...messages)
    const argv = [
      'ping',
      'a@127.0.0.1',
      '--port',
      `${listener.port}`,
      '--timeout',
      '2s',
      '--verbose',
    ]
    const result = await runCli(argv, { env: { BEAMSCOPE_COOKIE: 'cookie' }, columns: 100 })
    await listener.close()
    expect(result.code).toBeGreaterThan(2)
    expectVisible(argv, result)
  })

  it('steers no terminal by the names that its port mapper lists', async () => {
    const line = HOSTILE.replaceAll('\n', '')
    const names = `name ${line} at port 5\n${HOSTILE}\nname a\u001b[2J at port 6\n`
    const listener = await answering(wire(uint32(4369), names))
    const env = { BEAMSCOPE_COOKIE: 'cookie', ERL_EPMD_PORT: `${listener.port}` }
    for (const argv of [
      ['names', '127.0.0.1'],
      ['names', '127.0.0.1', '--json'],
      ['ping', 'a@127.0.0.1', '--verbose'],
      ['sweep', '--epmd-host', '127.0.0.1', '--dry-run'],
      ['sweep', '--epmd-host', '127.0.0.1', '--json'],
    ]) {
      expectVisible(argv, await runCli(argv, { env, columns: 100 }))
    }
    await listener.close()
  })
})
