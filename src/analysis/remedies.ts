/**
 * What to try for each finding, at what price: experience of others and measurements, no promises.
 *
 * @see https://www.erlang.org/doc/apps/erts/erts_alloc.html
 * @see https://ferd.github.io/recon/recon_alloc.html
 */
import type { Remedy } from './finding.ts'
import { allocatorFlag } from './flags.ts'
import { compare, divide } from './integer.ts'
import type { AllocatorOccupancy } from './occupancy.ts'
import { numericOption, schedulerOption } from './settings.ts'
import type { AllocatorInstance, Integer } from './snapshot.ts'

/** Strategies that look at addresses or ages, and so keep blocks together. */
const COMPACTING = ['aobf', 'aoff', 'aoffcaobf', 'ageffcaoff', 'ageffcbf', 'ageffcaobf']

/** For multiblock carriers that few blocks are left in. */
export function fragmentationRemedies(
  { allocator, instances, mbcs, pool }: AllocatorOccupancy,
  otpRelease: string | undefined,
): readonly Remedy[] {
  const members = instances.map(({ instance }) => instance)
  return [
    ...withoutRestart(allocator),
    ...blockSizeRemedies(allocator, members),
    ...strategyRemedies(allocator, members),
    ...(compare(pool.allocated, 0) > 0 && divide(pool.allocated, mbcs.allocated) >= 0.25
      ? poolRemedies(allocator, members, otpRelease)
      : []),
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
): readonly Remedy[] {
  const flag = (parameter: string) => allocatorFlag(allocator, parameter)
  const strategy = schedulerOption(instances, 'as')
  const smaller =
    '. Where blocks near sbct are common, each fills a smaller carrier alone: then add ' +
    `${flag('sbct')} 256 ${flag('mmsbc')} 4096 (measured with 270 kB binaries: 278 MiB became 516 without)`
  const remedies: readonly Remedy[] = [
    {
      flags: `${flag('as')} ageffcbf ${flag('lmbcs')} 512`,
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
    },
  ]
  if (typeof strategy !== 'string' || !COMPACTING.includes(strategy)) return remedies
  return [
    {
      flags: `${flag('as')} aoffcbf`,
      why: `the node runs with ${strategy} already, which did not prevent this: compare the default`,
      price: 'what the strategy was chosen for',
      restart: true,
    },
  ]
}

function poolRemedies(
  allocator: string,
  instances: readonly AllocatorInstance[],
  otpRelease: string | undefined,
): readonly Remedy[] {
  const remedies: Remedy[] = []
  // `acful` came with 25.1.2; a node that has it says so.
  if (schedulerOption(instances, 'acful') === 0) {
    remedies.push({
      flags: `${allocatorFlag(allocator, 'acful')} de`,
      why:
        'lets the operating system take back free pages of carriers in the pool when it needs them; ' +
        'they stay mapped, and Linux counts them as resident until then (LazyFree)',
      price: 'system calls when blocks are freed, page faults when the pages are used again',
      restart: true,
    })
    if (Number(otpRelease) >= 28) {
      remedies.push({
        flags: `${allocatorFlag(allocator, 'acful')} de +Mumadtn true`,
        why:
          'the same, and the pages leave the resident size at once (MADV_DONTNEED, OTP 28 and later; ' +
          'measured: 207 MiB resident became 174)',
        price: 'as above, and more of it',
        restart: true,
      })
    }
  }
  return remedies
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
    },
    {
      flags: '+Muycs 64',
      why: 'rounds carriers of sys_alloc to 64 KiB instead of 1 MiB (measured: 893 MiB became 567)',
      price: 'more calls to malloc while a carrier grows',
      restart: true,
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
export function tableRemedies(): readonly Remedy[] {
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
      flags: '+P 262144',
      why: 'sizes the process table, where a larger +P was asked for',
      price: 'no more than so many processes',
      restart: true,
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
    },
  ]
}

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

function averageBlockSize(instances: readonly AllocatorInstance[]): number | undefined {
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
