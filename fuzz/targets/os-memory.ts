/**
 * What Linux says of the memory of a process, in files that a node reads for us.
 *
 * @see https://docs.kernel.org/filesystems/proc.html `/proc/PID/smaps_rollup`, `/proc/PID/status`
 */
import { readOsMemory } from '../../src/probe/os-memory.ts'
import { check, once, type Target, type Verdict } from '../target.ts'

const NAMES = [
  'Rss',
  'LazyFree',
  'Swap',
  'VmRSS',
  'VmSwap',
  'VmHWM',
  'MemTotal',
  'Pss',
  'Rss:Rss',
  ' Rss',
  '',
]
const FIGURES = [
  '0',
  '4',
  '123456',
  '9007199254740991',
  '8796093022207',
  '8796093022208',
  '-1',
  '1.5',
  '0x10',
  '',
]

/** The files in turn, with a zero byte between them. */
export const osMemoryTarget: Target = {
  name: 'os-memory',
  title: 'what Linux says of the memory of a process',
  seeds: once(() => [
    Buffer.from(
      'Rss:   1024 kB\nLazyFree:   0 kB\nSwap:   4 kB\n\0VmHWM:\t 2048 kB\nVmRSS:\t 1024 kB\nVmSwap:\t 0 kB\n' +
        '\x00max\n\x009223372036854771712\n\0MemTotal:   8000000 kB\n',
    ),
  ]),
  generate(out) {
    const { random } = out
    const isLong = random.oneIn(500)
    for (let left = isLong ? 5000 : random.small(12); left > 0; left--) {
      if (random.oneIn(8)) out.uint8(0)
      if (random.oneIn(6)) out.text(`${random.pick(FIGURES)}\n`)
      const figure = random.oneIn(20) ? '9'.repeat(random.small(400)) : random.pick(FIGURES)
      const space = random.oneIn(10) ? random.pick(['', '\n', '\t'.repeat(50), '\u2028']) : '   '
      out.text(`${random.pick(NAMES)}:${space}${figure} kB${random.oneIn(10) ? '' : '\n'}`)
    }
  },
  run(input): Verdict {
    const [smapsRollup, status, memoryMax, limitInBytes, meminfo] = Buffer.from(input)
      .toString()
      .split('\0', 5)
    const memory = readOsMemory({ smapsRollup, status, memoryMax, limitInBytes, meminfo })
    if (memory === undefined) return 'refused'
    const { resident, lazyFree, swapped, peakResident, limit } = memory
    for (const bytes of [
      resident,
      lazyFree ?? 0,
      swapped ?? 0,
      peakResident ?? 0,
      limit?.bytes ?? 0,
    ]) {
      check(Number.isSafeInteger(Number(bytes)) && bytes >= 0, 'a size is no exact number of bytes')
    }
    return 'accepted'
  },
}
