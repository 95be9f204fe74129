/** A wall clock for one program, which jumps when it is told to; that of the machine stays as it is. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Files {
  /** Compiled from shifted_clock.c. */
  readonly library: string
  /** Where the program can read what is written here. */
  readonly folder: string
}

let clocks = 0

export class ShiftedClock {
  /** Of the program. */
  readonly environment: Readonly<Record<string, string>>
  readonly #file: string

  constructor({ library, folder }: Files) {
    clocks += 1
    this.#file = join(folder, `shift-${clocks}`)
    this.environment = { LD_PRELOAD: library, SHIFTED_CLOCK: this.#file }
    writeFileSync(this.#file, shiftOf(0))
  }

  /** The same for `erl`. */
  get emulatorArguments(): readonly string[] {
    return Object.entries(this.environment).flatMap(([name, value]) => ['-env', name, value])
  }

  /** Lets the clock jump to so many seconds from that of the machine. */
  shift(seconds: number): void {
    // Not cut to nothing first: the program has it mapped.
    writeFileSync(this.#file, shiftOf(seconds), { flag: 'r+' })
  }
}

function shiftOf(seconds: number): Uint8Array {
  return new Uint8Array(new BigInt64Array([BigInt(seconds)]).buffer)
}
