/**
 * Binaries that few processes keep alive, maybe through small parts of them.
 *
 * @see https://www.erlang.org/doc/system/binaryhandling.html reference-counted and sub binaries
 * @see https://www.erlang-in-anger.com/ section 7.2, binaries
 */
import { lesser } from '../extremes.ts'
import {
  type Evidence,
  type Examination,
  type Finding,
  type Remedy,
  ratioInWords,
  sizeInWords,
} from '../finding.ts'
import type { Holders } from '../holders.ts'
import { add, compare, divide, subtract, sum, toDouble } from '../integer.ts'
import type { Integer } from '../snapshot.ts'
import { binaryEvidence, worthNaming } from './largest-holders.ts'

/** Of binaries, the part that the largest holders must have before it is worth a finding. */
const HELD_SHARE = 0.5

/** How many holders are named. */
const NAMED = 5

const LISTED = 'process_info(P, binary): whole binaries, each once'

/**
 * Large binary memory, of which the largest holders have most. What they hold may be in use: which part
 * of a binary a process refers to is on its heap, where nobody can look from outside.
 */
export function heldBinaries(examination: Examination): readonly Finding[] {
  const { holders, snapshot, thresholds, total } = examination
  if (holders === undefined) return []
  const binaries = snapshot.memory?.binary ?? holders.referredTo ?? holders.heldTogether
  if (compare(binaries, thresholds.largeUse) < 0) return []
  const held = lesser(binaries, holders.heldTogether)
  if (divide(held, binaries) < HELD_SHARE || divide(held, total) < thresholds.decisiveShare)
    return []
  const count = fewest(holders, toDouble(held) * HELD_SHARE)
  return [
    {
      id: 'held-binaries',
      severity: 'info',
      allocator: 'binary_alloc',
      summary:
        `${count === 1 ? 'One process refers' : `${count} processes refer`} to most of ` +
        `${sizeInWords(held)} of binaries, ${ratioInWords(divide(held, binaries))} of all. A small part ` +
        'that is kept holds its whole binary, and a process that seldom collects holds whatever passed ' +
        'through it: which of these, or neither, cannot be seen from outside.',
      bytes: held,
      verdict: undefined,
      evidence: evidenceOf(holders, binaries, held, snapshot.memory?.binary !== undefined),
      remedies: REMEDIES,
    },
  ]
}

/** How many of the largest holders have so much, where a binary counts with each of them. */
function fewest({ binaryHolders }: Holders, bytes: number): number {
  let reached: Integer = 0
  const index = binaryHolders.findIndex((holder) => {
    reached = add(reached, holder.bytes)
    return toDouble(reached) >= bytes
  })
  return index < 0 ? binaryHolders.length : index + 1
}

function evidenceOf(
  holders: Holders,
  binaries: Integer,
  held: Integer,
  isKnown: boolean,
): readonly Evidence[] {
  const { binaryHolders, binaryProcesses, referredTo } = holders
  const alone = sum(binaryHolders.map((holder) => holder.alone ?? 0))
  const { lookedAt } = binaryProcesses
  return [
    {
      what: 'binaries in all',
      value: binaries,
      unit: 'byte',
      source: isKnown ? 'erlang:memory(binary)' : LISTED,
    },
    {
      what: `held by the ${binaryHolders.length} largest holders together`,
      value: held,
      unit: 'byte',
      source: LISTED,
    },
    { what: 'to which nobody else refers', value: alone, unit: 'byte', source: LISTED },
    ...worthNaming(binaryHolders, ({ bytes }) => bytes, NAMED).map(binaryEvidence),
    ...(referredTo === undefined || compare(referredTo, binaries) >= 0
      ? []
      : [
          {
            what: `to which none of ${lookedAt} processes refers: tables, ports, or others`,
            value: subtract(binaries, referredTo),
            unit: 'byte' as const,
            source: 'erlang:memory(binary) − process_info(P, binary), one after the other',
          },
        ]),
  ]
}

const REMEDIES: readonly Remedy[] = [
  {
    flags: 'erlang:garbage_collect(Pid)',
    why:
      'of one holder, as a test: what it gives back only passed through it (routers, proxies); then let ' +
      'it collect more often, by hibernation or by fullsweep_after. What stays is kept on purpose. ' +
      'recon:bin_leak/1 does it to every process',
    price:
      'the process stops for a full collection: it changes the node, which is why it was not done here',
    restart: false,
  },
  {
    flags: 'binary:copy(Part)',
    why:
      'a copy of what is kept lets go of the whole (measured: 1000 parts of 100 bytes kept 95 MiB, their ' +
      'copies 0.2 MiB); binary:referenced_byte_size(Part) tells how large the whole is',
    price:
      'a change to the program and the time to copy; where most of a binary is kept, memory for both',
    restart: false,
  },
]
