/** What is proposed and what is in force, from the command line. */
import { describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

function fixture(state: string, node: string): string {
  return new URL(`../fixtures/diagnosis/${state}/${node}.etf`, import.meta.url).pathname
}

describe('diagnose --vm-args', () => {
  it('prints lines for vm.args, and nothing else', async () => {
    const file = fixture('mixed-fragmented', 'otp29-s2')
    const { code, stdout } = await runCli(['diagnose', '--vm-args', '--snapshot', file])
    expect(code).toBe(0)
    for (const line of stdout.trimEnd().split('\n')) expect(line).toMatch(/^(#.*|\+\w+ \w+|)$/)
    expect(stdout).toMatch(/^\+MBas ageffcbf$/m)
    const json = await runCli(['diagnose', '--json', '--snapshot', file])
    expect(`${JSON.parse(json.stdout).data.vm_args}\n`).toBe(stdout)
  })

  it('prints a comment where there is nothing to set', async () => {
    const { stdout } = await runCli([
      'diagnose',
      '--vm-args',
      '--snapshot',
      fixture('idle', 'otp29-s2'),
    ])
    expect(stdout).toMatch(/^# .*\n$/)
  })

  it('fails on what is found all the same', async () => {
    const args = ['diagnose', '--vm-args', '--fail-on', 'fragmented', '--snapshot']
    const { code } = await runCli([...args, fixture('binary-fragmented', 'otp25-s2')])
    expect(code).toBe(1)
  })

  it('is no JSON', async () => {
    const file = fixture('idle', 'otp29-s2')
    const { code } = await runCli(['diagnose', '--vm-args', '--json', '--snapshot', file])
    expect(code).toBe(2)
  })
})

describe('allocators --settings', () => {
  const file = fixture('binary-fragmented-aobf', 'otp29-s2')

  it('has each setting with its default and its flag for programs', async () => {
    const { stdout } = await runCli(['allocators', '--settings', '--json', '--snapshot', file])
    const { beamscope, data } = JSON.parse(stdout)
    expect(beamscope).toBe('allocators/1')
    expect(data.settings).toContainEqual({
      allocator: 'binary_alloc',
      instances: [1, 2],
      settings: expect.arrayContaining([
        {
          name: 'as',
          value: 'aobf',
          unit: null,
          default: 'aoffcbf',
          differs: true,
          flag: '+MBas',
          argument: '+MBas aobf',
        },
        expect.objectContaining({ name: 'sbct', value: 524_288, unit: 'byte', differs: false }),
      ]),
    })
  })

  it('shows one allocator alone where it is asked for', async () => {
    const { stdout } = await runCli([
      'allocators',
      '--settings',
      '--allocator',
      'eheap_alloc',
      '--snapshot',
      file,
    ])
    expect(stdout).toContain('eheap_alloc')
    expect(stdout).not.toContain('binary_alloc')
    expect(stdout).toContain('Nothing: every setting that the node told is as without any flag.')
  })
})
