/** Carriers of real nodes: what pins them, and what the places of their histograms stand for. */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type CarrierReport, carrierReports } from '../src/analysis/carriers.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { type CarriersOptions, probeCarriers } from '../src/probe/carriers.ts'
import { type CliResult, runCli } from '../test/cli/run-cli.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

function cli({ cookie, epmdPort }: ErlangNode, ...argv: readonly string[]): Promise<CliResult> {
  return runCli(argv, {
    env: { BEAMSCOPE_COOKIE: cookie, ERL_EPMD_PORT: `${epmdPort}`, HOME: '/nowhere' },
  })
}

/** Of `binary_alloc`. */
async function binaryCarriers(
  { cookie, epmdPort, name }: ErlangNode,
  options: CarriersOptions = {},
): Promise<CarrierReport> {
  await using hidden = new HiddenNode({ cookie: new Cookie(cookie), epmdPort })
  const remote = await hidden.connect(name)
  const [report] = carrierReports(
    await probeCarriers(remote, { allocators: ['binary_alloc'], ...options }),
  )
  if (report === undefined) throw new Error('binary_alloc has no carriers')
  return report
}

/** Of two calls, between which a carrier may come or go: as of a moment at which none did. */
function settledCarriers(node: ErlangNode, options?: CarriersOptions): Promise<CarrierReport> {
  return vi.waitFor(
    async () => {
      const report = await binaryCarriers(node, options)
      expect(report.counted).toBe(report.carriers)
      return report
    },
    { timeout: 20_000, interval: 100 },
  )
}

/** 40,000 binaries of 4 kB, of which a process then holds every 20th. */
async function fragment(node: ErlangNode): Promise<void> {
  const held = await node.evaluate(`
    Self = self(),
    spawn(fun() ->
      Make = fun() ->
        [X || {I, X} <- [{I, binary:copy(<<I:32>>, 1024)} || I <- lists:seq(1, 40000)],
              I rem 20 =:= 0]
      end,
      Held = Make(),
      erlang:garbage_collect(),
      Self ! holding,
      receive stop -> Held end
    end),
    receive holding -> ok end`)
  expect(held).toBe('ok')
}

describeOnEachRelease('carriers', (release) => {
  let node: ErlangNode
  beforeAll(async () => {
    node = await startErlangNode({ release, emulatorArguments: ['+S', '2:2'] })
    await fragment(node)
    return () => node.stop()
  })

  it('are pinned by the few blocks that survived a peak', async () => {
    const { freeBlocks, pinned, usage } = await settledCarriers(node)
    expect(usage).toBeLessThan(0.15)
    expect(Number(pinned.size)).toBeGreaterThan(100_000_000)
    // Of 2000 survivors; some may have got into a carrier that is well used.
    expect(Number(pinned.blocks)).toBeGreaterThan(1500)
    expect(pinned.byType[0]?.type).toBe('binary_alloc')
    // The holes between the survivors: 19 blocks, each of 4096 bytes and a header of 24 to 48.
    const holes = [...freeBlocks].sort((left, right) => Number(right.count) - Number(left.count))[0]
    expect(Number(holes?.count)).toBeGreaterThan(1500)
    expect(holes?.from).toBeLessThanOrEqual(19 * 4120)
    expect(holes?.to).toBeGreaterThan(19 * 4144)
  })

  it('have histograms whose bounds are those that free blocks have', async () => {
    for (const histogramStart of [64, 300, 1024]) {
      const report = await binaryCarriers(node, { histogramStart, histogramWidth: 16 })
      const holes = report.freeBlocks.filter(({ count }) => Number(count) > 1500)
      expect(holes).toHaveLength(1)
      expect(holes[0]?.from).toBeLessThanOrEqual(19 * 4120)
      expect(holes[0]?.to).toBeGreaterThan(19 * 4144)
    }
  })

  it('of one scheduler are no more than all', async () => {
    const all = await binaryCarriers(node)
    const global = await settledCarriers(node, { schedulers: [0] })
    expect(global.carriers).toBeLessThan(all.carriers)
  })

  it('are shown to people and to programs, with what ran on the node', async () => {
    const { code, stdout, stderr } = await cli(node, 'carriers', node.name)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Carriers {2}.*\nOTP \d\d, /)
    expect(stdout).toMatch(
      /binary_alloc\n {2}[12],\d{3} blocks\s+with [\d.]+ MiB\s+pin \d+\s+carriers\s+with 1\d\d\s+MiB/,
    )
    expect(stdout).toContain('Ran on the node: instrument:carriers(#{')
    expect(stdout).not.toContain('Not scanned')
    const json = await cli(node, 'carriers', node.name, '--allocator', 'binary_alloc', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      beamscope: 'carriers/1',
      node: node.name,
      otp_release: `${release}`,
      unit: 'byte',
      data: {
        ran: [expect.stringContaining('allocator_types => [binary_alloc]')],
        histogram_start: 512,
        histogram_width: 14,
        missing: [],
        allocators: [
          {
            allocator: 'binary_alloc',
            // A carrier that was abandoned may have been fetched for another type of block.
            pinned: {
              below: 0.6,
              by_type: expect.arrayContaining([expect.objectContaining({ type: 'binary_alloc' })]),
            },
          },
        ],
      },
    })
  })

  it('refuses a scheduler that is not there', async () => {
    const { code, stderr } = await cli(node, 'carriers', node.name, '--scheduler', '77')
    expect(stderr).toMatch(/has no instance 77.*\n {2}hint: schedulers have 1 to \d+/)
    expect(code).toBe(5)
  })

  describe('without what they need', () => {
    it('are not there, and it is said which application would have them', async () => {
      await using bare = await startErlangNode({ release })
      await bare.evaluate('code:del_path(tools), code:del_path(runtime_tools), ok')
      const { code, stdout, stderr } = await cli(bare, 'carriers', bare.name)
      const application = release < 26 ? 'tools' : 'runtime_tools'
      expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
      expect(stderr).toContain(`has no module instrument, which is in ${application} on OTP`)
      expect(stderr).toContain(`hint: add ${application} to the applications of its release`)
    })

    it('leave out the allocators that are disabled', async () => {
      await using poor = await startErlangNode({ release, emulatorArguments: ['+MBe', 'false'] })
      const { code, stdout } = await cli(poor, 'carriers', poor.name)
      expect(code).toBe(0)
      expect(stdout).toContain('Not scanned\n- binary_alloc: disabled on the node')
      expect(stdout).toMatch(/^eheap_alloc /m)
    })
  })
})
