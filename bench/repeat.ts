/**
 * One round: an operation again and again until the time is over, and at least once.
 */

/** Nanoseconds of one operation, on the clock and on processors; and how many there were. */
export type RoundFigures = Readonly<Record<'time' | 'cpu' | 'count', number>>

export async function repeat(
  operation: () => Promise<unknown>,
  milliseconds: number,
): Promise<RoundFigures> {
  const round = startRound(milliseconds)
  do await operation()
  while (round.goesOn())
  return round.end()
}

/**
 * The same without waiting. No result is held while the next one is made: an `await` would keep it for as
 * long, and the collector would have to copy it.
 */
export function repeatSync(operation: () => unknown, milliseconds: number): RoundFigures {
  const round = startRound(milliseconds)
  do operation()
  while (round.goesOn())
  return round.end()
}

function startRound(milliseconds: number): { goesOn(): boolean; end(): RoundFigures } {
  const start = performance.now()
  const end = start + milliseconds
  const cpu = process.cpuUsage()
  let now = start
  let count = 0
  return {
    goesOn: () => {
      count++
      now = performance.now()
      return now < end
    },
    end: () => {
      const { user, system } = process.cpuUsage(cpu)
      return { time: ((now - start) * 1e6) / count, cpu: ((user + system) * 1e3) / count, count }
    },
  }
}
