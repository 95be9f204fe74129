/**
 * The settings under which an allocator really runs, and the flags that change them.
 *
 * What was asked for on the command line is not what counts: a strategy that cannot migrate carriers
 * turns `acul` off, and an `acul` of 0 in turn changes the strategy.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html#flags
 */
import type { AllocatorInstance, Integer, OptionValue } from './snapshot.ts'

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
  const groups = new Map<string, { instances: number[]; options: Record<string, OptionValue> }>()
  for (const { instance, options: all } of instances) {
    const options: Record<string, OptionValue> = {}
    for (const name of NAMES) {
      const value = all[name]
      if (value !== undefined) options[name] = value
    }
    const key = NAMES.map((name) => String(options[name])).join()
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { instances: [instance], options })
    else group.instances.push(instance)
  }
  return [...groups.values()]
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
  const value = instance.options[name]
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined
}

const LETTERS: Readonly<Record<string, string>> = {
  binary_alloc: 'B',
  driver_alloc: 'R',
  eheap_alloc: 'H',
  ets_alloc: 'E',
  exec_alloc: 'X',
  fix_alloc: 'F',
  literal_alloc: 'I',
  ll_alloc: 'L',
  sl_alloc: 'S',
  std_alloc: 'D',
  temp_alloc: 'T',
}

/** The flag that sets a parameter of one allocator: `+MBas` for `as` of `binary_alloc`. */
export function allocatorFlag(allocator: string, parameter: string): string {
  // `u` sets it for all: right for an allocator that is not known here.
  return `+M${LETTERS[allocator] ?? 'u'}${parameter}`
}
