/** The defaults that are kept as data, and the flags that are named, against fresh nodes. */
import { expect, it } from 'vitest'
import { defaultSettings } from '../src/analysis/default-settings.ts'
import { settings } from '../src/analysis/settings.ts'
import type { Snapshot } from '../src/analysis/snapshot.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
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
    const turnedOff = ['+MBacul 0', '+MBacnl 0', '+MBcp undefined']
    expect([...new Set(differing(snapshot))].toSorted()).toEqual(
      [...expected, ...turnedOff].toSorted(),
    )
  })
})
