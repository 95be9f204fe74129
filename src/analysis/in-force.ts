/**
 * Whether a node runs under a setting already: what it does need not be proposed.
 */
import { type Argument, flagValue, lettered, parseArguments } from './flags.ts'
import type { OptionValue, Snapshot } from './snapshot.ts'

type Options = Readonly<Record<string, OptionValue>>

/**
 * What is left of flags, or of an expression that sets `sbct`, when what is in force already is taken
 * away: `undefined` where nothing is. What the node does not tell, as `+Musac`, counts as not in force.
 */
export function notInForce(flags: string, snapshot: Snapshot): string | undefined {
  const [, allocator, name, bytes] =
    /^erlang:system_flag\(erts_alloc, \{(\w+), (\w+), (\d+)\}\)$/.exec(flags) ?? []
  if (allocator !== undefined && name !== undefined && bytes !== undefined) {
    return optionsInForce(snapshot, allocator, name).includes(bytes) ? undefined : flags
  }
  const all = parseArguments(flags)
  if (all.length === 0) return flags
  const left = all.filter((argument) => !isInForce(argument, snapshot))
  return left.length === 0 ? undefined : left.map(({ flag, value }) => `${flag} ${value}`).join(' ')
}

function isInForce({ flag, value }: Argument, snapshot: Snapshot): boolean {
  const [, letter, name] = /^\+M([A-Z])(\w+)$/.exec(flag) ?? []
  if (letter === undefined || name === undefined) return false
  return lettered(letter)
    .flatMap((allocator) =>
      optionsOf(snapshot, allocator).flatMap((options) => options[name] ?? []),
    )
    .some((option) => flagValue(name, option) === value)
}

function optionsInForce(snapshot: Snapshot, allocator: string, name: string): readonly string[] {
  return optionsOf(snapshot, allocator).flatMap((options) =>
    options[name] === undefined ? [] : [String(options[name])],
  )
}

/** Of an instance that belongs to a scheduler, where there is one. */
function optionsOf(snapshot: Snapshot, allocator: string): readonly Options[] {
  const all: readonly { readonly instance: number; readonly options: Options }[] =
    allocator === 'mseg_alloc'
      ? snapshot.mseg
      : snapshot.allocators.filter((each) => each.allocator === allocator)
  const instance = all.find(({ instance }) => instance > 0) ?? all[0]
  return instance === undefined ? [] : [instance.options]
}
