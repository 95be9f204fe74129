/**
 * The options of the commands that sample nodes again and again.
 */
import { InvalidArgumentError, Option } from 'commander'
import { parseDuration } from './option-values.ts'

/** Milliseconds, and how people write them. */
export interface Interval {
  readonly milliseconds: number
  readonly text: string
}

export function intervalOption(byDefault: Interval, least: Interval): Option {
  const description = 'from one sample of a node to the next: 2s, 10s, 1m'
  return everyOption('--interval <duration>', description, byDefault, least)
}

/** How often something is done. */
export function everyOption(
  flags: string,
  description: string,
  byDefault: Interval,
  least: Interval,
): Option {
  return new Option(flags, description)
    .argParser((text) => {
      const interval = parseDuration(text)
      if (interval < least.milliseconds) {
        throw new InvalidArgumentError(`It is ${least.text} or more.`)
      }
      return interval
    })
    .default(byDefault.milliseconds, byDefault.text)
}

/** Nobody notices less, and a node has better things to do. */
export const LEAST_INTERVAL: Interval = { milliseconds: 100, text: '100ms' }

export function samplesOption(): Option {
  return new Option('--samples <number>', 'end when each node was asked so often').argParser(
    (text) => {
      const samples = /^\d{1,9}$/.test(text) ? Number(text) : 0
      if (samples < 1) throw new InvalidArgumentError('It is a number from 1 on.')
      return samples
    },
  )
}
