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
  'snapshot show',
]

/** Paths differ from machine to machine. */
function withoutFolder(text: string): string {
  return text.replaceAll(/\S*\/fixtures\/golden\//g, '')
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
    await expect(shown).toMatchFileSnapshot(`expected/${name}/${command.replace(' ', '-')}.txt`)
  })
})
