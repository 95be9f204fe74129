/**
 * What a command loads: `npm test` builds the program first. Its files are few, and each says in its source
 * map which modules went into it.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'

const PROGRAM = new URL('../../lib/cli/main.cjs', import.meta.url).pathname
const ROOT = new URL('../../', import.meta.url).pathname

/** Prints what is loaded in the end, as the last line of standard error. */
const PRELOAD = `data:text/javascript,${encodeURIComponent(`
  import { createRequire } from 'node:module'
  const { cache } = createRequire(${JSON.stringify(PROGRAM)})
  process.on('exit', () => {
    const loaded = { files: Object.keys(cache), builtin: process.moduleLoadList }
    process.stderr.write('\\n' + JSON.stringify(loaded))
  })
`)}`

interface Loaded {
  /** Of the source, and of packages: `src/cli/main.ts`, `commander`. */
  readonly modules: ReadonlySet<string>
  /** Modules of Node.js. */
  readonly builtin: ReadonlySet<string>
}

async function load(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Loaded> {
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', PRELOAD, PROGRAM, ...argv],
    { env: { PATH: process.env.PATH ?? '', ...env } },
  )
  const { files, builtin }: { files: readonly string[]; builtin: readonly string[] } = JSON.parse(
    stderr.slice(stderr.lastIndexOf('\n')),
  )
  return {
    modules: new Set(files.flatMap(modulesIn)),
    builtin: new Set(builtin.map((name) => name.replace('NativeModule ', ''))),
  }
}

function modulesIn(file: string): readonly string[] {
  if (!file.startsWith(`${ROOT}lib/cli/`)) return [file]
  // The bundler's own few functions have no source.
  if (file.endsWith('rolldown-runtime.cjs') || file.endsWith('usingCtx.cjs')) return []
  const { sources }: { sources: readonly string[] } = JSON.parse(
    readFileSync(`${file}.map`, 'utf8'),
  )
  const code = sources.filter((source) => !source.endsWith('.json'))
  return code.map((source) =>
    source.replace(/^(?:\.\.\/)+/, '').replace(/^node_modules\/(\w[^/]*|@[^/]+\/[^/]+)\/.*/, '$1'),
  )
}

/** Rooms of the house, and the other packages; of `cli/` whatever is loaded. */
function roomsOf({ modules }: Loaded): readonly string[] {
  const rooms = [...modules].map((module) => module.replace(/^(src\/[^/]+)\/.*/, '$1'))
  return [...new Set(rooms)].sort()
}

const BASE = ['commander', 'src/cli', 'src/errors.ts', 'src/analysis', 'src/cluster', 'src/present']

describe.each([['--version'], ['--help'], ['help']])('beamscope %s', (...argv) => {
  it('loads no command', async () => {
    const loaded = await load(argv)
    expect(roomsOf(loaded)).toEqual([...BASE].sort())
    expect([...loaded.modules].filter((it) => /^src\/(?!cli\/[^/]+$)/.test(it)).sort()).toEqual([
      'src/analysis/integer.ts',
      'src/analysis/unit.ts',
      'src/analysis/util-allocators.ts',
      'src/cluster/bounds.ts',
      'src/errors.ts',
      'src/present/printable.ts',
      'src/present/prose.ts',
    ])
    expect([...loaded.builtin].filter((it) => /^(?:crypto|tls|zlib)$/.test(it))).toEqual([])
  })
})

describe('beamscope completion', () => {
  it('loads the library for it and nothing else', async () => {
    const loaded = await load(['completion', 'bash'])
    expect(roomsOf(loaded)).toEqual([...BASE, '@bomb.sh/tab'].sort())
  })
})

describe('beamscope memory', () => {
  const TABLES = ['cli-table3', 'emoji-regex', 'string-width', 'strip-ansi']
  const SHOWING = [...TABLES, 'picocolors']
  const CONNECTING = ['bigint-buffer', 'src/dist', 'src/epmd', 'src/etf', 'src/net', 'src/node']

  it('loads for its help what shows figures, and nothing that gets them', async () => {
    const loaded = await load(['memory', '--help'])
    expect(roomsOf(loaded)).toEqual([...BASE, ...SHOWING].sort())
  })

  it('loads for a node what asks it, and nothing of other commands, sweeps, files, TLS, or a spinner', async () => {
    await using node = await startReplayNode({ snapshotFile: binarySpikeFile })
    const loaded = await load(['memory', node.name, '--epmd-port', `${node.epmdPort}`], {
      BEAMSCOPE_COOKIE: node.cookie,
    })
    expect(roomsOf(loaded)).toEqual([...BASE, ...SHOWING, ...CONNECTING, 'src/probe'].sort())
    const { modules } = loaded
    const of = (room: string): readonly string[] =>
      [...modules].filter((it) => it.startsWith(`src/${room}/`)).sort()
    expect(of('cli/commands')).toEqual(['src/cli/commands/memory.ts'])
    expect(of('cluster')).toEqual(['src/cluster/bounds.ts'])
    expect(of('probe')).not.toContain('src/probe/carriers.ts')
    expect(of('probe')).not.toContain('src/probe/holders.ts')
    expect(of('etf')).not.toContain('src/etf/parse.ts')
    expect(of('net')).not.toContain('src/net/tls.ts')
    expect(of('epmd')).not.toContain('src/epmd/server.ts')
    expect(of('analysis')).not.toContain('src/analysis/diagnose.ts')
    expect(of('present')).not.toContain('src/present/error-text.ts')
    expect([...loaded.builtin]).toContain('net')
    expect(
      [...loaded.builtin].filter((it) => /^(?:tls|readline|worker_threads)$/.test(it)),
    ).toEqual([])
  })

  it('loads for a file what reads it, and no connection', async () => {
    const { modules } = await load(['memory', '--snapshot', binarySpikeFile])
    expect([...modules]).toContain('src/history/snapshot-file.ts')
    expect([...modules]).not.toContain('src/net/tls.ts')
    expect([...modules]).not.toContain('src/replay/replay-node.ts')
  })
})

describe('beamscope record', () => {
  it('loads what asks nodes and writes the file, and nothing that judges or draws', async () => {
    await using node = await startReplayNode({ snapshotFile: binarySpikeFile })
    const file = join(mkdtempSync(join(tmpdir(), 'beamscope-loading-')), 'a.recording')
    const argv = ['record', node.name, '--epmd-port', `${node.epmdPort}`, '-o', file]
    const { modules } = await load([...argv, '--samples', '1'], { BEAMSCOPE_COOKIE: node.cookie })
    const wanted = ['src/history/recorder.ts', 'src/cluster/sampler.ts', 'src/cluster/feed.ts']
    expect([...modules]).toEqual(expect.arrayContaining(wanted))
    const others = /^(?:src\/(?:replay|page|serve)\/|src\/analysis\/diagnose|ora$|ink$|react$)/
    expect([...modules].filter((it) => others.test(it))).toEqual([])
    rmSync(dirname(file), { recursive: true })
  })
})

describe('beamscope watch', () => {
  it('loads without a terminal nothing that draws on one', async () => {
    await using node = await startReplayNode({ snapshotFile: binarySpikeFile })
    const { modules } = await load(
      ['watch', node.name, '--epmd-port', `${node.epmdPort}`, '--samples', '1'],
      { BEAMSCOPE_COOKIE: node.cookie },
    )
    const all = [...modules]
    expect(all).toContain('src/watch/lines.ts')
    expect(all).not.toContain('src/watch/on-screen.ts')
    expect(all).not.toContain('src/watch/frame.ts')
    expect(all.filter((it) => /^(?:ink|react|yoga)/.test(it))).toEqual([])
  })
})

describe('beamscope serve', () => {
  it('loads no server for its help', async () => {
    const { modules } = await load(['serve', '--help'])
    const server = /^(?:hono|@hono|prom-client|@opentelemetry)|^src\/(?:present\/page|node)\//
    expect([...modules].filter((it) => server.test(it))).toEqual([])
    expect([...modules].filter((it) => it.startsWith('src/serve/'))).toEqual([
      'src/serve/listen-address.ts',
    ])
  })
})

describe('beamscope report', () => {
  it('loads for a file what makes a page of it, and neither TLS, nor what asks a node, nor a server', async () => {
    const { modules } = await load(['report', '--snapshot', binarySpikeFile])
    expect([...modules]).toContain('src/present/page/page.ts')
    expect(
      [...modules].filter((it) =>
        /^(?:hono|ink|react|src\/(?:net\/tls|probe\/(?:holders|carriers)|serve\/.*|watch\/.*)\.ts)$/.test(
          it,
        ),
      ),
    ).toEqual([])
  })
})
