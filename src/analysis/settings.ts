/**
 * The settings under which an allocator really runs, and the flags that change them.
 *
 * What was asked for on the command line is not what counts: a strategy that cannot migrate carriers
 * turns `acul` off, and an `acul` of 0 in turn changes the strategy.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html#flags
 */
import { defaultSettings, type Settings } from './default-settings.ts'
import { allocatorFlag, flagValue, type SettingUnit, unitOf } from './flags.ts'
import { compare } from './integer.ts'
import type { AllocatorInstance, Integer, Mapper, OptionValue, Snapshot } from './snapshot.ts'

/** The settings that matter for fragmentation, under the names of their flags; sizes in bytes. */
const NAMES = ['as', 'acul', 'acful', 'mmbcs', 'smbcs', 'lmbcs', 'sbct', 'mmsbc', 'rsbcst'] as const

/** The same settings, and the instances that run under them. */
export interface EffectiveSettings {
  readonly instances: readonly number[]
  /** Those that the node told. */
  readonly options: Readonly<Record<string, OptionValue>>
}

/**
 * The settings of an allocator, once for each group of instances that share them. There are two groups
 * by default: instance 0, whose carriers do not migrate, and the instances of the schedulers.
 */
export function effectiveSettings(
  instances: readonly AllocatorInstance[],
): readonly EffectiveSettings[] {
  return grouped(
    instances.map(({ instance, options: all }) => {
      const options: Record<string, OptionValue> = {}
      for (const name of NAMES) {
        const value = all[name]
        if (value !== undefined) options[name] = value
      }
      return { instance, options }
    }),
  )
}

/** One setting that is in force. */
export interface Setting {
  readonly name: string
  /** Sizes in bytes. */
  readonly value: OptionValue
  /** `undefined` for words and switches. */
  readonly unit: SettingUnit | undefined
  /** What it is without any flag; `undefined` where that was not measured. */
  readonly default: OptionValue | undefined
  /** Whether it is other than the default; `undefined` where that is not known. */
  readonly differs: boolean | undefined
  /** The flag that sets it: `+MBlmbcs`. `undefined` where none does. */
  readonly flag: string | undefined
  /** The flag with this value, in the unit that it takes, if it takes that: `+MBlmbcs 5120`. */
  readonly argument: string | undefined
}

/** All settings of an allocator that the node told, and the instances that have them. */
export interface AllocatorSettings {
  readonly allocator: string
  readonly instances: readonly number[]
  readonly settings: readonly Setting[]
}

/**
 * The settings in force of every allocator, once for each group of instances that share them.
 *
 * Not among them is what the answers do not hold, because it concerns no allocator alone: `+Musac`,
 * `+Muycs`, `+Mummc`, `+Mumadtn`.
 */
export function settings(snapshot: Snapshot): readonly AllocatorSettings[] {
  const { otpRelease } = snapshot
  const schedulers = schedulersOf(snapshot)
  const of = (allocator: string, told: readonly Told[]): readonly AllocatorSettings[] => {
    const defaultsOf = (instance: number): Settings | undefined =>
      defaultSettings({ allocator, instance, otpRelease, schedulers })
    return grouped(told, ({ instance }) => textOf(defaultsOf(instance) ?? {})).map(
      ({ instances, options }) => {
        const defaults = defaultsOf(instances[0] ?? 0)
        return {
          allocator,
          instances,
          settings: Object.entries(options).map(([name, value]) =>
            settingOf(allocator, name, value, presetOf(defaults, name)),
          ),
        }
      },
    )
  }
  const byName = new Map<string, Told[]>()
  for (const each of snapshot.allocators) {
    const told = byName.get(each.allocator)
    if (told === undefined) byName.set(each.allocator, [each])
    else told.push(each)
  }
  const { mseg, sysAllocOptions, mappers } = snapshot
  const mapper = mappers.default_mmap
  return [
    ...[...byName].flatMap(([name, told]) => of(name, told)),
    ...of('mseg_alloc', mseg),
    ...of(
      'sys_alloc',
      sysAllocOptions === undefined ? [] : [{ instance: 0, options: sysAllocOptions }],
    ),
    ...of(
      'erts_mmap',
      mapper === undefined ? [] : [{ instance: 0, options: mapperOptions(mapper) }],
    ),
  ]
}

/** `scs` as it was asked for; the node tells it without what it needs to keep account of itself. */
function mapperOptions({ options, superCarrier }: Mapper): Settings {
  return superCarrier === undefined ? options : { ...options, scs: superCarrier.total }
}

/** How many schedulers a node has, by its instances where it did not say. */
export function schedulersOf({ schedulers, allocators, mseg }: Snapshot): number {
  return schedulers ?? Math.max(1, highestInstance(allocators), highestInstance(mseg))
}

/** 0 without any. As arguments of one call, there could be more of them than the stack holds. */
export function highestInstance(all: readonly { readonly instance: number }[]): number {
  return all.reduce((highest, { instance }) => Math.max(highest, instance), 0)
}

interface Told {
  readonly instance: number
  readonly options: Settings
}

/** Those with the same options, and with the same of what `apart` says. */
function grouped(
  told: readonly Told[],
  apart: (told: Told) => string = () => '',
): readonly EffectiveSettings[] {
  const groups = new Map<string, { instances: number[]; options: Settings }>()
  for (const each of told) {
    const { instance, options } = each
    const key = `${textOf(options)} ${apart(each)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { instances: [instance], options })
    else group.instances.push(instance)
  }
  return [...groups.values()]
}

function textOf(options: Settings): string {
  return Object.entries(options)
    .map((entry) => entry.join('='))
    .sort()
    .join()
}

/** How `cp` says that there is no pool; nothing can be set to it. */
const NONE = 'undefined'

/** An option may be called like what every object has. */
function presetOf(defaults: Settings | undefined, name: string): OptionValue | undefined {
  return defaults !== undefined && Object.hasOwn(defaults, name) ? defaults[name] : undefined
}

function settingOf(
  allocator: string,
  name: string,
  value: OptionValue,
  preset: OptionValue | undefined,
): Setting {
  const flag = hasFlag(allocator, name) ? allocatorFlag(allocator, name) : undefined
  return {
    name,
    value,
    unit: unitOf(name, value),
    default: preset,
    differs: preset === undefined ? undefined : preset !== value,
    flag,
    argument:
      flag === undefined || value === NONE ? undefined : `${flag} ${flagValue(name, value)}`,
  }
}

/** `sys_alloc` cannot be turned off nor chosen; a free list of descriptors (`scrfsd`) is not asked for in bytes. */
function hasFlag(allocator: string, name: string): boolean {
  return !(allocator === 'sys_alloc' && (name === 'e' || name === 'm')) && name !== 'scrfsd'
}

/** The default of the instances of the schedulers, where it was measured. */
export function defaultOption(
  { otpRelease, ...rest }: Snapshot,
  allocator: string,
  name: string,
): OptionValue | undefined {
  const schedulers = schedulersOf({ otpRelease, ...rest })
  return defaultSettings({ allocator, instance: 1, otpRelease, schedulers })?.[name]
}

/** An option of an allocator as the instances of its schedulers have it. */
export function schedulerOption(
  instances: readonly AllocatorInstance[],
  name: string,
): OptionValue | undefined {
  const instance = instances.find(({ instance }) => instance > 0) ?? instances[0]
  return instance?.options[name]
}

/** An option that is a number; `undefined` where it is anything else or was not told. */
export function numericOption(instance: AllocatorInstance, name: string): Integer | undefined {
  return asNumber(instance.options[name])
}

export function asNumber(value: OptionValue | undefined): Integer | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined
}

/** Whether an option is a number below another one. */
export function isBelow(value: OptionValue | undefined, other: OptionValue | undefined): boolean {
  const left = asNumber(value)
  const right = asNumber(other)
  return left !== undefined && right !== undefined && compare(left, right) < 0
}
