/**
 * What people read about the snapshots of real nodes, as whole texts.
 */
import { describe, expect, it } from 'vitest'
import { goldenNames, goldenPath } from '../analysis/golden.ts'
import { runCli } from '../cli/run-cli.ts'

const COMMANDS = [
  'memory',
  'fragmentation',
  'average-block-sizes',
  'sbcs-to-mbcs',
  'cache-hit-rates',
  'allocators',
  'allocators --settings',
  'snapshot show',
]

/** Paths differ from machine to machine. */
function withoutFolder(text: string): string {
  return text.replaceAll(/\S*\/fixtures\/golden\//g, '')
}

function fileName(command: string): string {
  return command.replace(/ -*/, '-')
}

async function text(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(argv)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return withoutFolder(stdout)
}

describe.each(goldenNames)('%s', (name) => {
  it.each(COMMANDS)('%s reads as expected', async (command) => {
    const path = goldenPath(name, 'snapshot.etf')
    const shown = await text(...command.split(' '), '--snapshot', path)
    await expect(shown).toMatchFileSnapshot(`expected/${name}/${fileName(command)}.txt`)
  })
})

it('snapshot diff reads as expected', async () => {
  const [first, second] = [goldenNames[1] ?? '', goldenNames[2] ?? '']
  const shown = await text(
    'snapshot',
    'diff',
    goldenPath(first, 'snapshot.etf'),
    goldenPath(second, 'snapshot.etf'),
  )
  await expect(shown).toMatchFileSnapshot('expected/snapshot-diff.txt')
})

describe('wherever maxima are shown', () => {
  const path = goldenPath(goldenNames[0] ?? '', 'snapshot.etf')
  const recon = ['memory', 'fragmentation', 'average-block-sizes', 'sbcs-to-mbcs', 'allocators']

  it.each(recon)(
    '%s says that they were not simultaneous, and so does its help',
    async (command) => {
      // In a table they are marked, and the mark is explained.
      const shown = (await text(command, '--snapshot', path, '--max')).replaceAll(/\s+/g, ' ')
      expect(shown).toMatch(/\w\* /)
      expect(shown).toContain('the maxima are not simultaneous')
      const help = (await text(command, '--help')).replaceAll(/\s+/g, ' ')
      expect(help).toContain('Maxima are not simultaneous')
    },
  )

  it.each(recon)('%s says nothing of them where there are none', async (command) => {
    expect(await text(command, '--snapshot', path, '--current')).not.toContain('simultaneous')
  })
})

describe.each(['byte', 'kilobyte', 'megabyte', 'gigabyte'])('in %ss', (unit) => {
  const path = goldenPath(goldenNames[0] ?? '', 'snapshot.etf')

  it.each([
    'memory',
    'fragmentation',
    'average-block-sizes',
    'allocators',
    'diagnose',
    'snapshot show',
  ])('%s says so, and gives plain figures', async (command) => {
    const shown = await text(...command.split(' '), '--snapshot', path, '--unit', unit)
    expect(shown).toContain(`${unit}s`)
    expect(await text(...command.split(' '), '--snapshot', path)).toMatch(/\d [KMG]iB/)
  })
})
