/**
 * The flags of the command line that set what the allocators run under.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html#flags
 */
import type { OptionValue } from './snapshot.ts'

/** A map: an allocator may be called like what every object has. */
const LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    binary_alloc: 'B',
    driver_alloc: 'R',
    eheap_alloc: 'H',
    erts_mmap: 'M',
    ets_alloc: 'E',
    exec_alloc: 'X',
    fix_alloc: 'F',
    literal_alloc: 'I',
    ll_alloc: 'L',
    mseg_alloc: 'M',
    sl_alloc: 'S',
    std_alloc: 'D',
    sys_alloc: 'Y',
    temp_alloc: 'T',
  }),
)

/** The flag that sets a parameter of one allocator: `+MBas` for `as` of `binary_alloc`. */
export function allocatorFlag(allocator: string, parameter: string): string {
  // `u` sets it for all: right for an allocator that is not known here.
  return `+M${LETTERS.get(allocator) ?? 'u'}${parameter}`
}

/** The allocators with that letter: `mseg_alloc` and `erts_mmap` share theirs. */
export function lettered(letter: string): readonly string[] {
  return [...LETTERS].flatMap(([allocator, own]) => (own === letter ? [allocator] : []))
}

/** Settings whose flags take kilobytes; the others that are sizes stand below. */
const IN_KILOBYTES = ['sbct', 'asbcst', 'mmbcs', 'lmbcs', 'smbcs', 'amcbf', 'tt', 'tp']
const IN_MEGABYTES = ['scs']
const IN_BYTES = ['acfml', 'scrfsd']
const IN_PERCENT = ['rsbcst', 'rsbcmt', 'rmbcmt', 'acul', 'acful', 'rmcbf']

/** In what a setting is counted; `byte` where its flag takes kilobytes, too. */
export type SettingUnit = 'byte' | 'percent' | 'count'

export function unitOf(name: string, value: OptionValue): SettingUnit | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
  if (IN_PERCENT.includes(name)) return 'percent'
  const isSize = [IN_KILOBYTES, IN_MEGABYTES, IN_BYTES].some((names) => names.includes(name))
  return isSize ? 'byte' : 'count'
}

/** A setting's value as its flag takes it. */
export function flagValue(name: string, value: OptionValue): string {
  if (typeof value !== 'number' && typeof value !== 'bigint') return String(value)
  if (IN_KILOBYTES.includes(name)) return String(BigInt(value) / 1024n)
  if (IN_MEGABYTES.includes(name)) return String(BigInt(value) / 1024n ** 2n)
  return String(value)
}

/** One flag with its value. */
export interface Argument {
  /** `+MBas`, `+Q`. */
  readonly flag: string
  readonly value: string
}

/** The flags of a command line, `+MBas aobf +MBlmbcs 512`; none in anything else. */
export function parseArguments(flags: string): readonly Argument[] {
  if (!/^(\+\w+ \w+)( \+\w+ \w+)*$/.test(flags)) return []
  return Array.from(flags.matchAll(/(\+\w+) (\w+)/g), ([, flag = '', value = '']) => ({
    flag,
    value,
  }))
}
