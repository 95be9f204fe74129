/**
 * What to try for each finding, at what price: experience of others and measurements, no promises.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html
 * @see https://ferd.github.io/recon/recon_alloc.html
 */
import type { Remedy } from './finding.ts'
import { allocatorFlag, flagValue } from './flags.ts'
import { compare, divide } from './integer.ts'
import type { AllocatorOccupancy } from './occupancy.ts'
import { asNumber, defaultOption, isBelow, numericOption, schedulerOption } from './settings.ts'
import type { AllocatorInstance, Integer, OptionValue, Snapshot } from './snapshot.ts'

/** Strategies that look at addresses or ages, and so keep blocks together. */
const COMPACTING = ['aobf', 'aoff', 'aoffcaobf', 'ageffcaoff', 'ageffcbf', 'ageffcaobf']

/** For multiblock carriers that few blocks are left in after a peak. */
export function fragmentationRemedies(
  { allocator, instances }: AllocatorOccupancy,
  snapshot: Snapshot,
): readonly Remedy[] {
  const members = instances.map(({ instance }) => instance)
  return [
    ...withoutRestart(allocator),
    ...blockSizeRemedies(allocator, members),
    ...strategyRemedies(allocator, members, snapshot),
  ]
}

/** For multiblock carriers that never had more in them: carriers that suit the blocks come first. */
export function structuralRemedies(
  { allocator, instances }: AllocatorOccupancy,
  snapshot: Snapshot,
): readonly Remedy[] {
  const members = instances.map(({ instance }) => instance)
  const larger = largerCarrierRemedies(allocator, members, snapshot)
  const fitting = blockSizeRemedies(allocator, members)
  return larger.length > 0
    ? [...larger, ...fitting.map((remedy) => ({ ...remedy, alternative: true as const }))]
    : [...fitting, ...strategyRemedies(allocator, members, snapshot)]
}

/** Where `lmbcs` was made smaller than it is by default: for carriers that hold few of their blocks. */
export function largerCarrierRemedies(
  allocator: string,
  instances: readonly AllocatorInstance[],
  snapshot: Snapshot,
): readonly Remedy[] {
  const preset = defaultOption(snapshot, allocator, 'lmbcs')
  if (preset === undefined || !isBelow(schedulerOption(instances, 'lmbcs'), preset)) return []
  return [
    {
      flags: `${allocatorFlag(allocator, 'lmbcs')} ${flagValue('lmbcs', preset)}`,
      why:
        'the default again: several of the blocks share a carrier (measured with 270 kB binaries: ' +
        '516 MiB in carriers of 512 kB, 278 in those of the default)',
      price: 'a carrier that is left with one block keeps more',
      restart: true,
    },
  ]
}

function withoutRestart(allocator: string): readonly Remedy[] {
  switch (allocator) {
    case 'eheap_alloc':
      return [
        {
          flags: '[erlang:garbage_collect(P) || P <- processes()]',
          why:
            'a collection moves each surviving heap, often into carriers in use, so that others become ' +
            'empty and are freed (measured: 185 MiB came down to 66)',
          price:
            'every process stops for a full collection of its own; it helps until the next peak',
          restart: false,
        },
      ]
    case 'binary_alloc':
      return [
        {
          flags: 'binary:copy(Binary)',
          why:
            'whoever holds small binaries for long can keep copies, which are put where there is room ' +
            '(measured: 182 MiB came down to 25); recon:bin_leak/1 and process_info(Pid, binary) show ' +
            'who holds them',
          price: 'a change to the program, and the time to copy',
          restart: false,
        },
      ]
    case 'ets_alloc':
      return [
        {
          flags: 'ets:insert(New, ets:tab2list(Old))',
          why:
            'rows that are inserted anew into another table are put where there is room, and carriers of ' +
            'the old one become empty (measured: 188 MiB came down to 20)',
          price:
            'a change to the program; until the old table is deleted both take memory, and the list ' +
            'a heap of the same size',
          restart: false,
        },
      ]
    default:
      return []
  }
}

/** Where blocks of average size fill half a carrier's worth of the threshold, few fit into one. */
function blockSizeRemedies(
  allocator: string,
  instances: readonly AllocatorInstance[],
): readonly Remedy[] {
  const threshold = instances.map((each) => numericOption(each, 'sbct')).find((value) => value)
  const average = averageBlockSize(instances)
  if (threshold === undefined || average === undefined) return []
  if (average < divide(threshold, 2)) return []
  const lower = Math.max(64, Math.round(average / 2048))
  return [
    {
      flags: `${allocatorFlag(allocator, 'sbct')} ${lower} ${allocatorFlag(allocator, 'mmsbc')} 4096`,
      why:
        'blocks are on average nearly as large as sbct, so that few fit into a carrier; one of its own ' +
        'fits each better (measured with 270 kB binaries in carriers of 512 kB: 516 MiB became 274)',
      price:
        'a system call for each new block; without the higher mmsbc sys_alloc rounds those beyond 256 ' +
        'up to 1 MiB (measured: 826 MiB)',
      restart: true,
    },
    {
      flags: `erlang:system_flag(erts_alloc, {${allocator}, sbct, ${lower * 1024}})`,
      why: 'the same for new blocks, at once',
      price: 'as above, and mmsbc stays as it is; blocks that are there stay where they are',
      restart: false,
    },
  ]
}

function strategyRemedies(
  allocator: string,
  instances: readonly AllocatorInstance[],
  snapshot: Snapshot,
): readonly Remedy[] {
  const flag = (parameter: string) => allocatorFlag(allocator, parameter)
  const strategy = schedulerOption(instances, 'as')
  const migrating = isMigrationOff(allocator, instances, snapshot)
    ? migrationAgain(allocator, strategy)
    : ''
  const smaller =
    '. Where blocks near sbct are common, each fills a smaller carrier alone: then add ' +
    `${flag('sbct')} 256 ${flag('mmsbc')} 4096 (measured with 270 kB binaries: 278 MiB became 516 without)`
  const remedies: readonly Remedy[] = [
    {
      flags: `${flag('as')} ageffcbf${migrating} ${flag('lmbcs')} 512`,
      why:
        'fills the oldest carriers first and keeps migration between schedulers; smaller carriers are ' +
        'empty sooner. RabbitMQ runs with it (measured on 8 schedulers: heaps 220 MiB became 150, ' +
        'binaries 117 became 95)',
      price: `more carriers, hence more system calls and more work to find one${smaller}`,
      restart: true,
    },
    {
      flags: `${flag('as')} aobf ${flag('lmbcs')} 512`,
      why:
        'fills the lowest addresses first, so that the others become empty. It helped Logplex after ' +
        'spikes; it does not help where survivors are scattered evenly (measured: 182 MiB became 176)',
      price: `carriers no longer migrate between schedulers, and many free blocks make it slower${smaller}`,
      restart: true,
      alternative: true,
    },
  ]
  if (typeof strategy !== 'string' || !COMPACTING.includes(strategy)) return remedies
  return [
    {
      flags: `${flag('as')} aoffcbf${migrating}`,
      why: `the node runs with ${strategy} already, which did not prevent this: compare the default`,
      price: 'what the strategy was chosen for',
      restart: true,
    },
  ]
}

/** Whether carriers of the schedulers do not migrate, although they would by default. */
export function isMigrationOff(
  allocator: string,
  instances: readonly AllocatorInstance[],
  snapshot: Snapshot,
): boolean {
  const ofScheduler = instances.find(({ instance }) => instance > 0)
  const preset = asNumber(defaultOption(snapshot, allocator, 'acul'))
  return ofScheduler?.options.acul === 0 && preset !== undefined && preset !== 0
}

/**
 * Where `bf` is in force it may be because of an `acul` of 0 on the command line, which would stay so
 * beside any other strategy.
 */
function migrationAgain(allocator: string, strategy: OptionValue | undefined): string {
  return strategy === 'bf' ? ` ${allocatorFlag(allocator, 'acul')} de` : ''
}

/** For an allocator whose carriers do not migrate any more. */
export function migrationRemedies(
  allocator: string,
  instances: readonly AllocatorInstance[],
): readonly Remedy[] {
  const again = migrationAgain(allocator, schedulerOption(instances, 'as'))
  return [
    {
      flags: `${allocatorFlag(allocator, 'as')} aoffcbf${again}`,
      why:
        'the defaults: below acul a carrier is abandoned to the pool, where any scheduler can fetch it ' +
        'instead of a new one',
      price: 'what the setting was chosen for',
      restart: true,
    },
  ]
}

/** For carriers in the pool. */
export function poolRemedies(
  { allocator, instances }: AllocatorOccupancy,
  isReused: boolean,
  { otpRelease }: Snapshot,
): readonly Remedy[] {
  const members = instances.map(({ instance }) => instance)
  const average = averageBlockSize(members)
  return [
    ...pageRemedies(allocator, members, otpRelease),
    ...(isReused || average === undefined
      ? []
      : [
          {
            flags: `${allocatorFlag(allocator, 'acfml')} ${Math.ceil(average)}`,
            why:
              'keeps carriers out of the pool that have no room for a block of average size, so that ' +
              'searches find what they need (not measured)',
            price: 'such carriers stay with their scheduler until it empties them',
            restart: true,
          },
        ]),
  ]
}

/** `acful` came with 25.1.2; a node that has it says so. */
function pageRemedies(
  allocator: string,
  instances: readonly AllocatorInstance[],
  otpRelease: string | undefined,
): readonly Remedy[] {
  if (schedulerOption(instances, 'acful') !== 0) return []
  const flags = `${allocatorFlag(allocator, 'acful')} de`
  if (Number(otpRelease) >= 28) {
    return [
      {
        flags: `${flags} +Mumadtn true`,
        why:
          'gives free pages of carriers in the pool back to the operating system; they leave the ' +
          'resident size at once (MADV_DONTNEED, OTP 28 and later; measured: 207 MiB resident became 174)',
        price: 'system calls when blocks are freed, page faults when the pages are used again',
        restart: true,
      },
      {
        flags,
        why:
          'the same, but the operating system takes the pages only when it needs them, and Linux counts ' +
          'them as resident until then (LazyFree)',
        price: 'as above, and less of it',
        restart: true,
        alternative: true,
      },
    ]
  }
  return [
    {
      flags,
      why:
        'lets the operating system take back free pages of carriers in the pool when it needs them; ' +
        'they stay mapped, and Linux counts them as resident until then (LazyFree)',
      price: 'system calls when blocks are freed, page faults when the pages are used again',
      restart: true,
    },
  ]
}

/** For single-block carriers that blocks shrank in. */
export function singleBlockRemedies(allocator: string): readonly Remedy[] {
  return [
    {
      flags: `${allocatorFlag(allocator, 'rsbcst')} 10 ${allocatorFlag(allocator, 'asbcst')} 1024`,
      why: 'a block that shrinks gives back what it no longer needs from smaller remainders on',
      price: 'a system call, or a copy, for more of the blocks that shrink',
      restart: true,
    },
    {
      flags: `${allocatorFlag(allocator, 'ramv')} true ${allocatorFlag(allocator, 'rsbcmt')} 50`,
      why: 'a block that shrinks is moved to a place that fits it',
      price: 'a copy of such a block each time',
      restart: true,
      alternative: true,
    },
  ]
}

/** For single-block carriers that `sys_alloc` rounded up. */
export function roundingRemedies(allocator: string, carriers: Integer): readonly Remedy[] {
  return [
    {
      flags: `${allocatorFlag(allocator, 'mmsbc')} ${powerOfTwoAbove(carriers)}`,
      why:
        'so many more single-block carriers come from mseg_alloc, which rounds to pages and not to ' +
        '1 MiB (measured: 893 MiB became 532)',
      price:
        'none was measured; each is a mapping of its own, of which Linux allows 65530 by default',
      restart: true,
    },
    {
      flags: '+Musac false',
      why: 'no carrier comes from sys_alloc while segments can be had (measured: 893 MiB became 532)',
      price: 'main carriers become segments as well',
      restart: true,
      alternative: true,
    },
    {
      flags: '+Muycs 64',
      why: 'rounds carriers of sys_alloc to 64 KiB instead of 1 MiB (measured: 893 MiB became 567)',
      price: 'more calls to malloc while a carrier grows',
      restart: true,
      alternative: true,
    },
  ]
}

/** For memory that no allocator holds. */
export function outsideRemedies(disabled: readonly string[]): readonly Remedy[] {
  return [
    ...disabled.map((allocator) => ({
      flags: `${allocatorFlag(allocator, 'e')} true`,
      why: `with ${allocator} enabled again, its memory is seen, and no longer left to malloc`,
      price: 'whatever it was disabled for',
      restart: true,
    })),
    {
      flags: 'MALLOC_ARENA_MAX=2',
      why:
        'in the environment: keeps the C library from having an arena for each thread, each of which ' +
        'fragments by itself. NIFs and drivers that use malloc are the other suspects',
      price: 'threads wait for each other in malloc',
      restart: true,
    },
  ]
}

/** For a large port or process table. */
export function tableRemedies({ otpRelease }: Snapshot): readonly Remedy[] {
  return [
    {
      flags: '+Q 65536',
      why:
        'the port table is sized by the limit of open files, which is a billion in some containers: ' +
        'it then takes 1.5 to 2 GiB (docker run --ulimit nofile=65536 sets the limit itself)',
      price: 'no more than so many ports and sockets',
      restart: true,
    },
    {
      flags: `+P ${Number(otpRelease) >= 27 ? 1_048_576 : 262_144}`,
      why: 'the default: sizes the process table, where a larger +P was asked for',
      price: 'no more than so many processes',
      restart: true,
      alternative: true,
    },
  ]
}

/** For segments in the cache of `mseg_alloc`. */
export function cacheRemedies(): readonly Remedy[] {
  return [
    {
      flags: '+MMmcs 0',
      why: 'keeps no segment; where peaks follow each other, the cache is full all the time',
      price: 'a system call for every carrier that is taken or freed',
      restart: true,
      // The other is to wait.
      alternative: true,
    },
  ]
}

/** For pages that still count although they were given back. */
export function lazyFreeRemedies({ otpRelease }: Snapshot): readonly Remedy[] {
  if (!(Number(otpRelease) >= 28)) return []
  return [
    {
      flags: '+Mumadtn true',
      why: 'pages leave the resident size at once (MADV_DONTNEED), for limits that count them',
      price: 'page faults when they are used again, even if nobody was short of memory',
      restart: true,
    },
  ]
}

/** What the cache of `mseg_alloc` can hold at most; the emulator refuses more. */
const LARGEST_CACHE = 30

/** For segments that are seldom in that cache. */
export function hitRateRemedies({ mseg }: Snapshot): readonly Remedy[] {
  const price = 'up to so many freed segments stay, of each scheduler, for some seconds'
  const isFull = mseg.some(({ options }) => options.mcs === LARGEST_CACHE)
  const size: Remedy = {
    flags: `+MMmcs ${LARGEST_CACHE}`,
    why:
      'keeps 30 freed segments in place of 10 (measured where 40 large heaps came and went at once: a ' +
      'rate of 28% became 73%, on OTP 29 75%)',
    price,
    restart: true,
  }
  const fit: Remedy = {
    flags: '+MMrmcbf 60 +MMamcbf 8192',
    why:
      'takes a cached segment though it is up to 60% larger than what is asked for, and keeps larger ' +
      'ones (measured: 73% became 73%, on OTP 29 75% became 77%; nothing with a cache of 10)',
    price: 'a carrier may be larger than its block needs',
    restart: true,
  }
  return isFull ? [fit] : [size, { ...fit, alternative: true }]
}

/** For blocks that have a carrier of their own though they are hardly larger than those that have none. */
export function sharedCarrierRemedies(
  allocator: string,
  instances: readonly AllocatorInstance[],
  averageSize: number,
): readonly Remedy[] {
  // Room for those that are half as large again, and for ten of them in a carrier.
  const threshold = powerOfTwoAbove((averageSize * 1.5) / 1024)
  const largest = asNumber(schedulerOption(instances, 'lmbcs')) ?? 0
  const carrier = Math.max(threshold * 10, Number(flagValue('lmbcs', largest)))
  const price =
    'blocks that share a carrier can keep it from being freed; those that are there stay where they are'
  const fits = compare(largest, threshold * 1024 * 4) >= 0
  return [
    {
      flags: `${allocatorFlag(allocator, 'sbct')} ${threshold} ${allocatorFlag(allocator, 'lmbcs')} ${carrier}`,
      why:
        'several of these blocks share a carrier, which is memory that is there already (measured with ' +
        '540 kB binaries: 893 MiB became 540, and 271 calls for segments 53)',
      price,
      restart: true,
    },
    ...(fits
      ? [
          {
            flags: `erlang:system_flag(erts_alloc, {${allocator}, sbct, ${threshold * 1024}})`,
            why: 'the same for new blocks, at once (measured without larger carriers: 893 MiB became 559)',
            price,
            restart: false,
          },
        ]
      : []),
  ]
}

/** Where the allocators took long to answer. */
export const SLOW_ANSWER_REMEDIES: readonly Remedy[] = [
  {
    flags: 'erlang:statistics(run_queue_lengths_all)',
    why: 'shows whether schedulers have more to do than they can',
    price: 'none',
    restart: false,
  },
  {
    flags: 'erlang:system_monitor(self(), [{long_schedule, 100}])',
    why: 'tells of processes and ports that kept a scheduler for 100 ms at a stretch: long NIFs and drivers',
    price: 'a process of the node that reads what it is told; there is one such monitor for all',
    restart: false,
  },
]

/** How to see who uses the memory that a node really uses, by the key of `erlang:memory()`. */
export function useRemedies(kind: string): readonly Remedy[] {
  const look = (flags: string, why: string, price: string): readonly Remedy[] => [
    { flags, why, price, restart: false },
  ]
  switch (kind) {
    case 'binary':
      return look(
        largest(
          '{lists:sum([S || {_, S, _} <- B]), P} || P <- processes(), ' +
            '{binary, B} <- [process_info(P, binary)]',
        ),
        'shows the processes that refer to most: a small part keeps its whole binary alive ' +
          '(binary:copy/1 parts them), and a process that seldom collects keeps all that passed through ' +
          'it, which recon:bin_leak/1 shows',
        'a question to every process; a binary counts with each of its owners',
      )
    case 'processes':
      return look(
        largest('{M, P} || P <- processes(), {memory, M} <- [process_info(P, memory)]'),
        'shows the largest processes; long message queues count among their memory',
        'a question to every process',
      )
    case 'ets':
      return look(
        largest('{ets:info(T, memory), ets:info(T, name)} || T <- ets:all()'),
        'shows the largest tables, in words',
        'a question to every table',
      )
    case 'atom':
      return look(
        'erlang:system_info(atom_count)',
        'atoms are never freed: something makes them from input',
        'none',
      )
    default:
      return []
  }
}

/** An expression for the ten largest of a comprehension. */
function largest(comprehension: string): string {
  return `lists:sublist(lists:reverse(lists:sort([${comprehension}])), 10)`
}

/** Of those in multiblock carriers, the pool included; `undefined` where there is none. */
export function averageBlockSize(instances: readonly AllocatorInstance[]): number | undefined {
  let blocks = 0
  let bytes = 0
  for (const { mbcs, mbcsPool } of instances) {
    blocks += Number(mbcs.blocks.current) + Number(mbcsPool?.blocks ?? 0)
    bytes += Number(mbcs.blocksSize.current) + Number(mbcsPool?.blocksSize ?? 0)
  }
  return blocks === 0 ? undefined : bytes / blocks
}

function powerOfTwoAbove(count: Integer): number {
  return 2 ** Math.ceil(Math.log2(Number(count) + 1))
}
