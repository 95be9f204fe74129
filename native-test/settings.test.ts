/** The defaults that are kept as data, and the flags that are named, against fresh nodes. */
import { expect, it } from 'vitest'
import { defaultSettings } from '../src/analysis/default-settings.ts'
import { diagnose } from '../src/analysis/diagnose.ts'
import { notInForce } from '../src/analysis/in-force.ts'
import { settings } from '../src/analysis/settings.ts'
import type { Snapshot } from '../src/analysis/snapshot.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { knownStates } from '../test/analysis/diagnosis-fixtures.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { startErlangNode } from './support/index.ts'

type Options = Parameters<typeof startErlangNode>[0]

async function snapshotOf(options: Options): Promise<Snapshot> {
  await using node = await startErlangNode(options)
  const { cookie, epmdPort, name } = node
  await using hidden = new HiddenNode({ cookie: new Cookie(cookie), epmdPort })
  return toSnapshot(await probe(await hidden.connect(name)))
}

/** What is other than by default, as arguments. */
function differing(snapshot: Snapshot): readonly (string | undefined)[] {
  return settings(snapshot).flatMap((group) =>
    group.settings.filter(({ differs }) => differs !== false).map(({ argument }) => argument),
  )
}

/** Where each of the flags that are proposed is among the lines. */
const STATES = [
  'mixed-fragmented',
  'eheap-fragmented',
  'binary-fragmented-no-migration',
  'single-blocks',
  'large-blocks-small-carriers',
  'large-blocks-small-threshold',
  'cache-misses',
  'cache-misses-large-cache',
  'idle-large-port-table',
  'fragmented-without-binary-alloc',
]

describeOnEachRelease('the flags that are proposed', (release) => {
  it.each(STATES)('are accepted, and then in force: %s', async (state) => {
    // States that were not taken of every release were taken of these.
    const nodes = knownStates.filter((each) => each.state === state)
    const { snapshot } =
      nodes.find(({ node }) => node === `otp${release}-s2`) ?? nodes.at(release < 27 ? 0 : -1) ?? {}
    if (snapshot === undefined) throw new Error(`there is no ${state}`)
    const { vmArgs } = diagnose({ ...snapshot, otpRelease: `${release}` })
    const lines = vmArgs.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines).not.toEqual([])
    const proposed = await snapshotOf({
      release,
      emulatorArguments: ['+S', '2:2', ...lines.flatMap((line) => line.split(' '))],
    })
    const told = lines.filter((line) => /^\+M[A-Z]/.test(line) && !/ de$/.test(line))
    for (const line of told) expect(notInForce(line, proposed), line).toBeUndefined()
    expect(proposed.disabled).toEqual([])
  })
})

describeOnEachRelease('the settings', (release) => {
  it.each([1, 2, 3, 8])('of a node with %i schedulers are the defaults', async (schedulers) => {
    const snapshot = await snapshotOf({
      release,
      emulatorArguments: ['+S', `${schedulers}:${schedulers}`],
    })
    expect(snapshot.otpRelease).toBe(`${release}`)
    expect(differing(snapshot)).toEqual([])
    for (const { allocator, instance, options } of snapshot.allocators) {
      const of = { allocator, instance, otpRelease: snapshot.otpRelease, schedulers }
      const { acful, ...defaults } = defaultSettings(of) ?? {}
      // Since 25.1.2.
      expect(options, `${allocator} ${instance}`).toEqual(
        'acful' in options ? { ...defaults, acful } : defaults,
      )
    }
  })

  it('are set by the flags that are named', async () => {
    const flags = '+MBas aobf +MBlmbcs 512 +MHsbct 1024 +MErsbcst 50 +MMmcs 30 +MMamcbf 8192'.split(
      ' ',
    )
    const snapshot = await snapshotOf({ release, emulatorArguments: ['+S', '2:2', ...flags] })
    const expected = flags.flatMap((flag, index) =>
      flag.startsWith('+') ? [`${flag} ${flags[index + 1]}`] : [],
    )
    // A strategy that migrates no carriers turns migration off.
    const turnedOff = ['+MBacul 0', '+MBacnl 0', undefined]
    expect([...new Set(differing(snapshot))].toSorted()).toEqual(
      [...expected, ...turnedOff].toSorted(),
    )
  })
})
