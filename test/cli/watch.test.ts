/** `beamscope watch` where there is no terminal. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InterruptedError } from '../../src/cli/interruption.ts'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'
import { type CliOptions, type CliResult, runCli } from './run-cli.ts'

let node: Awaited<ReturnType<typeof startReplayNode>>
beforeAll(async () => {
  node = await startReplayNode({ snapshotFile: binarySpikeFile })
})
afterAll(() => node.close())

function watch(words: string, options: CliOptions = {}): Promise<CliResult> {
  const argv = words
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => (word === 'NODE' ? node.name : word))
  const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}` }
  return runCli(['watch', ...argv], { ...options, env: { ...env, ...options.env } })
}

describe('watch', () => {
  it('prints a line for each sample of a node', async () => {
    const { code, stdout, stderr } = await watch('NODE --samples 3 --interval 100ms')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines) {
      expect(line.replace(/^\S+/, 'TIME').replace(node.name, 'NODE')).toBe(
        'TIME  NODE  fragmented  usage 9.4%  allocated 573 MiB  resident 582 MiB  ' +
          'waste 499 MiB  worst binary_alloc',
      )
    }
  })

  it('has the unit that is wanted, and colours where a terminal takes lines alone', async () => {
    const { stdout } = await watch('NODE --samples 1 --unit megabyte')
    expect(stdout).toContain('allocated 573.203  resident 581.980  waste 499.131  worst')
    const { stdout: painted } = await watch('NODE --samples 1', { columns: 80 })
    expect(painted).toContain('\u001b[31mfragmented\u001b[39m')
    const plain = await watch('NODE --samples 1', { columns: 80, env: { NO_COLOR: '1' } })
    expect(plain.stdout).not.toContain('\u001b')
  })

  it('prints objects of JSON, allocators in the order that is wanted', async () => {
    const { code, stdout } = await watch('NODE --ndjson --samples 1 --sort name')
    expect(code).toBe(0)
    const object = JSON.parse(stdout)
    expect(object).toMatchObject({
      beamscope: 'watch/1',
      node: node.name,
      taken_at: expect.stringMatching(/^\d{4}-.*Z$/),
      otp_release: '27',
      unit: 'byte',
      data: { verdict: 'fragmented', allocated: 601_047_040, resident: 610_250_752 },
    })
    const { allocators, ...whole } = object.data
    expect(Object.keys(whole)).toEqual([
      'verdict',
      'usage',
      'allocated',
      'used',
      'resident',
      'waste',
    ])
    const names = allocators.map((it: { allocator: string }) => it.allocator)
    expect(names).toEqual([...names].sort())
    expect(allocators[0]).toEqual({
      allocator: 'binary_alloc',
      allocated: 543_326_208,
      used: 22_784_176,
      usage: 22_784_176 / 543_326_208,
      waste: 519_067_472,
      pooled: 502_267_904,
    })
  })

  it('says of a node why it does not answer, and ends with the code of that', async () => {
    const alone = await watch('nobody@127.0.0.1 --samples 2 --interval 100ms')
    expect(alone).toMatchObject({ code: 3, stderr: '' })
    expect(alone.stdout.match(/no answer {2}no node is registered as nobody/g)).toHaveLength(2)
    const both = await watch('NODE nobody@127.0.0.1 --samples 1 --ndjson')
    expect(both.code).toBe(6)
    const objects = both.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(objects).toContainEqual(
      expect.objectContaining({
        beamscope: 'watch-failure/1',
        node: 'nobody@127.0.0.1',
        data: {
          code: 'ERR_EPMD_NAME_NOT_REGISTERED',
          message: expect.stringContaining('nobody'),
          hint: expect.stringContaining('registered there'),
        },
      }),
    )
    expect(objects.filter(({ beamscope }) => beamscope === 'watch/1')).toHaveLength(1)
  })

  it('ends after a time, and when it is interrupted', async () => {
    const timed = async (): Promise<string> => {
      const { code, stdout } = await watch('NODE --for 300ms --interval 100ms')
      expect(code).toBe(0)
      return stdout
    }
    // On a busy machine there may be no answer in that time.
    await expect.poll(timed).toMatch(/worst binary_alloc\n$/)
    const controller = new AbortController()
    const interrupted = watch('NODE --interval 100ms', { signal: controller.signal })
    setTimeout(() => controller.abort(new InterruptedError('SIGINT')), 300)
    expect(await interrupted).toMatchObject({ code: 130, stderr: '' })
  })

  it('lists with --dry-run whom it would watch', async () => {
    const { code, stdout } = await watch('--epmd-host 127.0.0.1 --dry-run')
    expect(code).toBe(0)
    expect(stdout).toContain(node.name)
    expect(stdout).toContain('not asked')
  })

  it.each([
    ['', 'no node is named'],
    ['NODE --interval 99ms', 'It is 100ms or more.'],
    ['NODE --interval 2x', 'Write it as'],
    ['NODE --samples 0', 'It is a number from 1 on.'],
    ['NODE --sort size', 'Allowed choices are waste, allocated, usage, name.'],
    ['no-node --samples 1', 'no-node'],
    [Array.from({ length: 101 }, (_, index) => `n${index}@h`).join(' '), 'more than the 100'],
  ])('refuses %s', async (words, message) => {
    const { code, stdout, stderr } = await watch(words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
