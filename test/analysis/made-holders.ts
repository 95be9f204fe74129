/**
 * Holders in plain data, of which a test says only what it is about.
 */
import type { BinaryHolder, Holders, HoldingProcess } from '../../src/analysis/index.ts'

export function holders(parts: Partial<Holders> = {}): Holders {
  const whole = { total: 100, lookedAt: 100 }
  return {
    processes: whole,
    binaryProcesses: whole,
    tables: { total: 5, lookedAt: 5 },
    largestProcesses: [],
    binaryHolders: [],
    heldTogether: 0,
    referredTo: 0,
    largestTables: [],
    missing: [],
    ...parts,
  }
}

export function holdingProcess(parts: Partial<HoldingProcess> = {}): HoldingProcess {
  return {
    pid: '<0.100.0>',
    registeredName: 'my_server',
    initialCall: 'my_server:init/1',
    currentFunction: 'gen_server:loop/7',
    messageQueueLen: 0,
    memory: 100_000,
    ...parts,
  }
}

export function binaryHolder(bytes: number, parts: Partial<BinaryHolder> = {}): BinaryHolder {
  return {
    ...holdingProcess(),
    bytes,
    alone: bytes,
    binaries: 1000,
    largest: Math.ceil(bytes / 1000),
    isEstimate: false,
    ...parts,
  }
}
