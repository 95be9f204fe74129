/**
 * Snapshot files from the command line: converted, shown, never lost.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expected, goldenNames, goldenPath } from '../analysis/golden.ts'
import { runCli } from './run-cli.ts'

const NAME = 'otp27-mixed-supercarrier'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-cli-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function memoryOf(file: string): Promise<unknown> {
  const { stdout } = await runCli(['memory', '--snapshot', file, '--json'])
  return JSON.parse(stdout).data
}

describe('snapshot save', () => {
  it.each(['native', 'etf', 'terms', 'recon'])(
    'writes %s, which reads as before',
    async (format) => {
      for (const name of goldenNames) {
        const file = join(folder, `${name}.${format}`)
        const from = goldenPath(name, 'snapshot.etf')
        const result = await runCli([
          'snapshot',
          'save',
          '--snapshot',
          from,
          '-o',
          file,
          '--format',
          format,
        ])
        expect(result).toMatchObject({ code: 0, stdout: '' })
        expect(result.stderr).toContain(`Next: beamscope diagnose --snapshot ${file}`)
        expect(await memoryOf(file)).toEqual(Reflect.get(Object(expected(name, 'byte')), 'memory'))
      }
    },
  )

  it('overwrites nothing unless it is forced to, and leaves nothing half written', async () => {
    const file = join(folder, 'kept')
    await writeFile(file, 'precious')
    const save = ['snapshot', 'save', '--snapshot', goldenPath(NAME, 'snapshot.etf'), '-o', file]
    const { code, stderr } = await runCli(save)
    expect(code).toBe(2)
    expect(stderr).toMatch(/kept is there already\n {2}hint: --force/)
    expect(await readFile(file, 'utf8')).toBe('precious')
    expect(await runCli([...save, '--force'])).toMatchObject({ code: 0 })
    expect(await memoryOf(file)).toMatchObject({ current: { allocated: 1_473_875_968 } })
    expect((await readdir(folder)).filter((it) => it.endsWith('.tmp'))).toEqual([])
  })

  it('says why a file cannot be written', async () => {
    const from = goldenPath(NAME, 'snapshot.etf')
    const { code, stderr } = await runCli([
      'snapshot',
      'save',
      '--snapshot',
      from,
      '-o',
      join(folder, 'none', 'x'),
    ])
    expect(stderr).toMatch(/cannot be written: there is no such file or folder/)
    expect(code).toBe(5)
  })

  it('writes to standard output, but no bytes into a terminal', async () => {
    const from = goldenPath(NAME, 'snapshot.etf')
    const save = ['snapshot', 'save', '--snapshot', from, '-o', '-']
    const { stdoutBytes } = await runCli(save)
    const { stdout } = await runCli(['memory', '--snapshot', '-', '--json'], { input: stdoutBytes })
    expect(JSON.parse(stdout).data.current.allocated).toBe(1_473_875_968)
    expect(await runCli(save, { columns: 80 })).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('snapshot show', () => {
  it('has the same facts for programs', async () => {
    const file = goldenPath(NAME, 'recon_snapshot.terms')
    const { stdout } = await runCli(['snapshot', 'show', file, '--json', '--unit', 'megabyte'])
    expect(JSON.parse(stdout)).toMatchObject({
      beamscope: 'snapshot show/1',
      unit: 'megabyte',
      data: {
        format: 'recon',
        schedulers: null,
        instances: { eheap_alloc: 3, literal_alloc: 1, mseg_alloc: 3 },
        disabled: [],
        allocated: 1405.59765625,
        os: null,
        missing: [{ what: 'resident size' }],
      },
    })
  })
})

describe('snapshot diff', () => {
  const first = goldenPath(NAME, 'snapshot.etf')
  const second = goldenPath(NAME, 'recon_snapshot.terms')
  const other = goldenPath('otp25-ets-2-schedulers', 'snapshot.etf')

  it('has the changes for programs, in the unit that is asked for', async () => {
    const { code, stdout } = await runCli([
      'snapshot',
      'diff',
      first,
      other,
      '--json',
      '--unit',
      'megabyte',
    ])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      beamscope: 'snapshot diff/1',
      unit: 'megabyte',
      data: {
        before: { node: null, taken_at: null, schedulers: 2 },
        is_same_node: null,
        total: { allocated: { before: expect.any(Number), change: expect.any(Number) } },
        allocators: expect.arrayContaining([
          expect.objectContaining({ allocator: 'ets_alloc', usage: expect.any(Object) }),
        ]),
        memory: expect.any(Array),
        settings: expect.any(Array),
      },
    })
  })

  it('says where to go on with the second', async () => {
    const { code, stdout } = await runCli(['snapshot', 'diff', first, second])
    expect(code).toBe(0)
    expect(stdout).toContain('Settings that changed\nnone')
    expect(stdout).toContain(`Next: beamscope diagnose --snapshot ${second}`)
  })

  it('takes a file for a file though it looks like a node', async () => {
    const file = join(folder, 'rabbit@host')
    await runCli(['snapshot', 'save', '--snapshot', first, '-o', file])
    expect(await runCli(['snapshot', 'diff', file, second])).toMatchObject({ code: 0 })
  })

  it('takes one of them from standard input, and not both', async () => {
    const input = await readFile(first)
    expect(await runCli(['snapshot', 'diff', '-', second], { input })).toMatchObject({ code: 0 })
    expect(await runCli(['snapshot', 'diff', '-', '-'], { input })).toMatchObject({ code: 2 })
  })

  it('says which of them is not there', async () => {
    const { code, stderr } = await runCli(['snapshot', 'diff', first, join(folder, 'none')])
    expect(stderr).toMatch(/none.*there is no such file/)
    expect(code).toBe(5)
  })
})
