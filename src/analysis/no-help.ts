/**
 * What suggests itself and is known not to help, as measured; docs/diagnosis.md has the figures.
 */
import type { NoHelp } from './finding.ts'
import { allocatorFlag } from './flags.ts'
import type { AllocatorOccupancy } from './occupancy.ts'

/** By the allocator. */
const SURVIVORS: ReadonlyMap<string, readonly NoHelp[]> = new Map(
  Object.entries({
    binary_alloc: [
      {
        what: '[erlang:garbage_collect(P) || P <- processes()]',
        why:
          'what is left is referenced, and a collection moves no binary beyond 64 bytes (measured: 181 MiB ' +
          'stayed 181). It helps where processes refer to binaries that they no longer need',
      },
    ],
    ets_alloc: [
      {
        what: '[erlang:garbage_collect(P) || P <- processes()]',
        why: 'rows of tables are no part of any heap',
      },
    ],
  }),
)

/** Against what survived a peak. */
export function fragmentationNoHelp(allocator: string): readonly NoHelp[] {
  const flag = (parameter: string) => allocatorFlag(allocator, parameter)
  return [
    ...(SURVIVORS.get(allocator) ?? []),
    ...(allocator === 'eheap_alloc'
      ? []
      : [
          {
            what: `${flag('lmbcs')} 512 alone`,
            why:
              'survivors that are scattered evenly pin smaller carriers as well as large ones (measured ' +
              'with binaries: 182 MiB became 175, with aobf 176)',
          },
        ]),
    {
      what: `${flag('acul')} 0 or ${flag('as')} gf`,
      why:
        'turn off that carriers are abandoned to the pool, not that they are sparse (measured with ' +
        'binaries: 182 MiB stayed 182 and 181)',
    },
  ]
}

/** Where it never was better. */
export function structuralNoHelp({ allocator }: AllocatorOccupancy): readonly NoHelp[] {
  return [
    {
      what: allocator === 'eheap_alloc' ? 'a restart' : 'copying or collecting what is there',
      why: 'there was no peak whose survivors are in the way: the same load fills carriers the same way',
    },
  ]
}

/** Against carriers that were rounded up. */
export function roundingNoHelp(allocator: string): readonly NoHelp[] {
  return [
    {
      what: `${allocatorFlag(allocator, 'as')}, and any other strategy`,
      why: 'a carrier with one block has no room to choose',
    },
  ]
}

/** Against memory in use, by the key of `erlang:memory()`. */
export function useNoHelp(kind: string | undefined): readonly NoHelp[] {
  return [
    {
      what: '+M flags',
      why: 'they have no say in what is used: allocators can give back only the rest',
    },
    ...(kind === 'binary'
      ? [
          {
            what: '[erlang:garbage_collect(P) || P <- processes()]',
            why:
              'for binaries that are referenced still: a collection frees those that a process no longer ' +
              'needs, and no others. If memory falls after one, processes collect too seldom',
          },
        ]
      : []),
  ]
}

/** Against memory outside the allocators. */
export const OUTSIDE_NO_HELP: readonly NoHelp[] = [
  {
    what: '+M flags, or collecting garbage',
    why: 'they say nothing to whoever takes memory with malloc',
  },
]

/** Against tables of the emulator. */
export const TABLES_NO_HELP: readonly NoHelp[] = [
  {
    what: 'collecting garbage, or other strategies',
    why: 'the tables are made at the start, and stay as long as the node runs',
  },
]

/** Against pages that are given back already. */
export const LAZY_FREE_NO_HELP: readonly NoHelp[] = [
  {
    what: 'a restart, or collecting garbage',
    why: 'the pages are free already: the system takes them when it is short of memory, and not before',
  },
]
