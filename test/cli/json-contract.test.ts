/**
 * What programs read: the frame around every result, and recon's own figures in it.
 */
import { describe, expect, it } from 'vitest'
import { expected, goldenFiles, goldenNames, goldenPath } from '../analysis/golden.ts'
import { runCli } from './run-cli.ts'

/** The commands of recon's functions, and the functions' names in `expected.json`. */
const COMMANDS = {
  memory: 'memory',
  fragmentation: 'fragmentation',
  'average-block-sizes': 'average_block_sizes',
  'sbcs-to-mbcs': 'sbcs_to_mbcs',
  'cache-hit-rates': 'cache_hit_rates',
} as const

async function json(...argv: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runCli([...argv, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.endsWith('}\n')).toBe(true)
  return JSON.parse(stdout)
}

describe.each(goldenNames)('%s', (name) => {
  describe.each(Object.entries(COMMANDS))('%s', (command, reconFunction) => {
    it.each(goldenFiles)('answers from %s what recon answers, in every unit', async (file) => {
      for (const unit of ['byte', 'kilobyte', 'megabyte'] as const) {
        const path = goldenPath(name, file)
        const answer = await json(command, '--snapshot', path, '--unit', unit)
        expect(answer).toEqual({
          beamscope: `${command}/1`,
          node: null,
          taken_at: null,
          otp_release: null,
          unit,
          data: expect.anything(),
        })
        expect(answer.data).toEqual(Reflect.get(Object(expected(name, unit)), reconFunction))
      }
    })
  })
})

const path = goldenPath('otp25-ets-2-schedulers', 'snapshot.etf')

it('counts in bytes unless told otherwise', async () => {
  const { unit, data } = await json('memory', '--snapshot', path)
  expect(unit).toBe('byte')
  expect(data).toEqual(Reflect.get(Object(expected('otp25-ets-2-schedulers', 'byte')), 'memory'))
})

it('gives both keywords whichever people would see', async () => {
  const both = await json('fragmentation', '--snapshot', path)
  expect(await json('fragmentation', '--snapshot', path, '--max')).toEqual(both)
  expect(await json('fragmentation', '--snapshot', path, '--current')).toEqual(both)
})

it('leaves out all allocators but the one that is asked for', async () => {
  for (const command of ['fragmentation', 'sbcs-to-mbcs']) {
    const { data } = await json(command, '--snapshot', path, '--allocator', 'ets_alloc')
    for (const entries of Object.values(Object(data))) {
      expect(entries).toHaveLength(3)
      for (const { allocator } of Object(entries)) expect(allocator).toBe('ets_alloc')
    }
  }
  const { data } = await json('average-block-sizes', '--snapshot', path, '--allocator', 'll_alloc')
  expect(Object.keys(Object(data).current)).toEqual(['ll_alloc'])
})

it('has every instance and every type under allocators, integers beyond 2^53 as text', async () => {
  const { data } = await json('allocators', '--snapshot', path)
  const { instances, types } = Object(data)
  expect(instances).toHaveLength(3 * 9 + 1 + 3 + 1 + 1)
  expect(types.map((it: { allocator: string }) => it.allocator)).toContain('literal_alloc')
  const global = instances.find(
    (it: { allocator: string; instance: number }) =>
      it.allocator === 'll_alloc' && it.instance === 0,
  )
  expect(global.options).toMatchObject({ sbct: '18446744073709551615', as: 'aoffcbf' })
})

it('reads standard input in place of a file', async () => {
  const { readFile } = await import('node:fs/promises')
  const fromInput = await runCli(['memory', '--snapshot', '-', '--json'], {
    input: await readFile(path),
  })
  expect(JSON.parse(fromInput.stdout)).toEqual(await json('memory', '--snapshot', path))
})

it('has verdict, findings and accounting under diagnose, with sizes in bytes', async () => {
  for (const unit of [[], ['--unit', 'gigabyte']]) {
    const answer = await json('diagnose', '--snapshot', path, ...unit)
    expect(answer).toMatchObject({ beamscope: 'diagnose/1', unit: 'byte' })
    const { verdict, findings, accounting, vm_args } = Object(answer.data)
    expect(verdict).toBe('fragmented')
    expect(vm_args).toMatch(/^\+MEas ageffcbf\n\+MElmbcs 512$/m)
    expect(findings[0]).toMatchObject({
      id: 'fragmented-allocator',
      severity: expect.stringMatching(/^(info|warning|critical)$/),
      allocator: 'ets_alloc',
      evidence: expect.arrayContaining([
        {
          what: expect.any(String),
          value: expect.any(Number),
          unit: 'byte',
          source: expect.any(String),
        },
      ]),
      remedies: expect.arrayContaining([expect.objectContaining({ flags: expect.any(String) })]),
    })
    expect(accounting.resident.bytes).toBeNull()
  }
})
