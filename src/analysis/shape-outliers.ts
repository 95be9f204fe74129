/**
 * Nodes that were built or started in another way than most of their peers.
 */
import { UNLIMITED } from './default-settings.ts'
import { sizeInWords } from './finding.ts'
import { unitOf } from './flags.ts'
import { areDefaultsKnown, type NodeShape } from './node-summary.ts'
import { OUTLIER_LIMITS, type Outlier, type Peers } from './outlier.ts'
import type { OptionValue } from './snapshot.ts'

/** A value, and who has it. */
interface Held {
  readonly node: string
  readonly value: OptionValue | undefined
}

/** What nodes are compared in, and how a value of it is called. */
interface Subject extends Pick<Outlier, 'role' | 'what' | 'setting'> {
  inWords(value: OptionValue | undefined): string
}

/** At most one for each node and setting, and for its release and its schedulers. */
export function shapeOutliers(peers: Peers): readonly Outlier[] {
  const { role, summaries } = peers
  const held = (of: (shape: NodeShape) => OptionValue | undefined): readonly Held[] =>
    summaries
      .map(({ node, shape }) => ({ node, value: of(shape) }))
      .filter(({ value }) => value !== undefined)
  return [
    ...differing(
      { role, what: 'release', inWords: (release) => `OTP ${release}` },
      held(({ otpRelease }) => otpRelease),
    ),
    ...differing(
      { role, what: 'schedulers', inWords: (count) => `${count} schedulers` },
      held(({ schedulers }) => schedulers),
    ),
    ...settingOutliers(peers),
  ]
}

/** Those that have another value than more than half of `peers`, of which the others have none. */
function differing(
  { inWords, ...subject }: Subject,
  held: readonly Held[],
  peers = held.length,
): readonly Outlier[] {
  if (peers < OUTLIER_LIMITS.peers) return []
  const counts = new Map<OptionValue | undefined, number>([[undefined, peers - held.length]])
  for (const { value } of held) counts.set(value, (counts.get(value) ?? 0) + 1)
  const most = [...counts].find(([, count]) => 2 * count > peers)
  if (most === undefined) return []
  const [typical, count] = most
  const others = `${count} of the ${peers} nodes of role ${subject.role}`
  return held
    .filter(({ value }) => value !== typical)
    .map(({ node, value }) => ({
      node,
      ...subject,
      peers,
      value,
      typical,
      summary: `${node} has ${inWords(value)}; ${others} have ${inWords(typical)}`,
    }))
}

function settingOutliers({ role, summaries }: Peers): readonly Outlier[] {
  const groups = new Map<string, { readonly node: string; readonly settings: Settings }[]>()
  for (const { node, shape } of summaries) {
    if (shape.settings === undefined) continue
    const key = comparableBy(shape)
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push({ node, settings: shape.settings })
  }
  return [...groups.values()].flatMap((group) => {
    const holders = new Map<string, Held[]>()
    for (const { node, settings } of group) {
      for (const [setting, value] of Object.entries(settings)) {
        const held = holders.get(setting) ?? []
        holders.set(setting, held)
        held.push({ node, value })
      }
    }
    return [...holders].flatMap(([setting, held]) => {
      const enabled = `${setting.slice(0, setting.indexOf('.'))}.e`
      // Who has the default is looked for only if most have not: these are few settings, of however many.
      const all =
        2 * held.length > group.length
          ? group
              // An allocator that is turned off has no setting but that.
              .filter(({ settings }) => settings[enabled] !== false || setting === enabled)
              .map(({ node, settings }) => ({ node, value: settings[setting] }))
          : held
      const inWords = (value: OptionValue | undefined): string => settingInWords(setting, value)
      return differing({ role, what: 'setting', setting, inWords }, all, group.length)
    })
  })
}

type Settings = NonNullable<NodeShape['settings']>

/**
 * Where the defaults are known, only what differs from them is left of the settings, and all nodes can be
 * compared. Elsewhere what is left may depend on the release and the schedulers.
 */
function comparableBy({ otpRelease, schedulers }: NodeShape): string {
  return areDefaultsKnown(otpRelease) ? '' : `${otpRelease} ${schedulers}`
}

function settingInWords(setting: string, value: OptionValue | undefined): string {
  if (value === undefined) return `the default ${setting}`
  if (value === UNLIMITED) return `${setting} without limit`
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  const name = setting.slice(setting.indexOf('.') + 1)
  const isSize = isNumber && unitOf(name, value) === 'byte'
  return `${setting} ${isSize ? sizeInWords(value) : value}`
}
