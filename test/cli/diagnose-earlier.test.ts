/** Peaks out of earlier snapshots, from the command line. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

const fixture = (state: string): string =>
  fileURLToPath(new URL(`../fixtures/diagnosis/${state}/otp25-s2.etf`, import.meta.url))

const NOW = ['diagnose', '--snapshot', fixture('binary-fragmented')]

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-cli-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('diagnose --earlier', () => {
  it('shows the peak as it was sampled', async () => {
    expect((await runCli(NOW)).stdout).toMatch(/\d% {2}usage at the peak\*/)
    const earlier = ['--earlier', fixture('idle'), '--earlier', fixture('binary-live')]
    const { code, stdout } = await runCli([...NOW, ...earlier])
    expect({ code }).toEqual({ code: 0 })
    expect(stdout).toMatch(/9\d\.\d% {2}usage at the peak, as it was sampled\n/)
  })

  it('takes none of another node', async () => {
    const of = (node: string): string =>
      `#{beamscope => {snapshot,1}, node => '${node}', allocators => [{sl_alloc,false}]}.`
    const [one, other] = [join(folder, 'one'), join(folder, 'other')]
    await writeFile(one, of('one@host'))
    await writeFile(other, of('other@host'))
    const { code, stderr } = await runCli(['diagnose', '--snapshot', one, '--earlier', other])
    expect({ code }).toEqual({ code: 2 })
    expect(stderr).toContain('is of other@host, and not of one@host')
  })
})
