import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ProgramMissingError } from '../../src/testing/errors.ts'
import { buildErlangImages, ImageBuildError } from '../../src/testing/images.ts'
import { runProgram } from '../../src/testing/program.ts'
import { projectFolder } from '../snippets.ts'
import { pretendProgram } from './pretend-program.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('building the images', () => {
  test('builds those of the releases that are named, and reports them', async () => {
    await using folder = await pretendProgram(
      'docker',
      `[ "$1 $2" != "image inspect" ] && echo "$@" >>"$(dirname "$0")/calls"; [ "$1" != image ]`,
    )
    const report = vi.fn<(text: string) => void>()
    await buildErlangImages({ releases: [25], report })
    const calls = await readFile(join(folder.path, 'calls'), 'utf8')
    expect(calls).toMatch(/^build .* RELEASE=25 .* --tag beamscope\/erlang:25 -$/m)
    expect(calls).not.toContain('RELEASE=27')
    expect(report.mock.calls.flat().join('')).toContain('beamscope/erlang:25: built')
  })

  test('fails with what was printed where no engine answers', async () => {
    await using _ = await pretendProgram(
      'docker',
      'echo "is the docker daemon running?" >&2; exit 1',
    )
    const error: unknown = await buildErlangImages({ report: () => {} }).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(ImageBuildError)
    expect(error).toMatchObject({
      output: 'no Docker engine answers: is the docker daemon running?',
    })
  })

  test('needs bash', async () => {
    vi.stubEnv('PATH', '/nowhere')
    await expect(buildErlangImages()).rejects.toThrow(ProgramMissingError)
  })

  test('is given up after its time-out, or with its signal', async () => {
    await using _ = await pretendProgram('docker', 'exec sleep 5')
    await expect(buildErlangImages({ timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(buildErlangImages({ signal })).rejects.toThrow('enough')
  })

  test('asks nobody for no releases', async () => {
    vi.stubEnv('PATH', '/nowhere')
    await expect(buildErlangImages({ releases: [] })).resolves.toBeUndefined()
  })
})

test('the package carries what is read from beside the module', async () => {
  const command = ['npm', 'pack', projectFolder, '--dry-run', '--json', '--ignore-scripts'] as const
  const { stdout } = await runProgram(command, { timeout: 60_000 })
  const [{ files }]: [{ readonly files: readonly { readonly path: string }[] }] = JSON.parse(stdout)
  expect(files.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      'docker/build-images',
      'docker/erlang/Dockerfile',
      'recordings/binary-spike.etf',
    ]),
  )
})
