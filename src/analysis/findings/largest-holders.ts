/**
 * The largest holders of a kind of memory, as evidence.
 */
import { type Evidence, sizeInWords } from '../finding.ts'
import { type BinaryHolder, callingName, type Holders, type HoldingProcess } from '../holders.ts'
import { divide, toDouble } from '../integer.ts'
import type { Integer } from '../snapshot.ts'

/** How many are named; all that are known stand beside the diagnosis. */
const NAMED = 3

/** Of what the largest holds, the part below which another is not worth a line. */
const WORTH = 0.01

/** The largest of what comes in that order. */
export function worthNaming<Holder>(
  holders: readonly Holder[],
  held: (holder: Holder) => Integer,
  most: number,
): readonly Holder[] {
  const [largest] = holders
  if (largest === undefined) return []
  const least = toDouble(held(largest)) * WORTH
  return holders.slice(0, most).filter((holder) => toDouble(held(holder)) >= least)
}

/** Of the kind that `erlang:memory()` has under this key; none where nobody was asked. */
export function largestHolders(holders: Holders | undefined, kind: string): readonly Evidence[] {
  switch (kind) {
    case 'processes':
      return worthNaming(holders?.largestProcesses ?? [], ({ memory }) => memory, NAMED).map(
        processEvidence,
      )
    case 'binary':
      return worthNaming(holders?.binaryHolders ?? [], ({ bytes }) => bytes, NAMED).map(
        binaryEvidence,
      )
    case 'ets':
      return worthNaming(holders?.largestTables ?? [], ({ bytes }) => bytes, NAMED).map(
        ({ bytes, name, owner, rows }) => ({
          what: `table ${name} of ${owner}, ${rows} rows`,
          value: bytes,
          unit: 'byte',
          source: 'ets:info(T, memory) × wordsize, without large binaries',
        }),
      )
    default:
      return []
  }
}

function processEvidence(process: HoldingProcess): Evidence {
  const { memory, messageQueueLen } = process
  return {
    what: `process ${identified(process)}, ${messageQueueLen ?? 'an unknown number of'} messages queued`,
    value: memory,
    unit: 'byte',
    source: 'process_info(P, memory)',
  }
}

/** A binary counts with each of its holders. */
export function binaryEvidence(holder: BinaryHolder): Evidence {
  const { binaries, bytes, isEstimate, memory } = holder
  const held =
    binaries === undefined || binaries === 0
      ? 'binaries, about'
      : binaries === 1
        ? 'one binary'
        : `${binaries} binaries of ${sizeInWords(divide(bytes, binaries))} on average`
  return {
    what: `process ${identified(holder)}, ${held}; its own memory is ${sizeInWords(memory)}`,
    value: bytes,
    unit: 'byte',
    source: isEstimate
      ? 'process_info(P, garbage_collection_info): bin_vheap_size'
      : 'process_info(P, binary): whole binaries, each once',
  }
}

function identified(process: HoldingProcess): string {
  const name = callingName(process)
  return name === undefined ? process.pid : `${process.pid} ${name}`
}
