/**
 * Moments and spans of time as they are typed: `--at` of a recording, and how long one is to be.
 */
import { InvalidArgumentError } from 'commander'

/** When a recording begins and ends, in milliseconds since 1970. */
export interface Span {
  readonly first: number
  readonly last: number
}

/** A moment that may depend on when a recording ends. */
export interface RecordingTime {
  /** As it was typed. */
  readonly text: string
  /** In milliseconds since 1970. */
  within(span: Span): number
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
  d: DAY,
  w: 7 * DAY,
}

/** A hundred years: more is a mistake. */
const MAX_SPAN = 36_525 * DAY

/** `10s`, `90m`, `8h`, `1.5d`, `2w`, and `500ms`: milliseconds. */
export function parseSpan(text: string): number {
  const span = spanOf(text)
  if (span === undefined) throw new InvalidArgumentError('Write it as 30s, 10m, 8h, 7d or 2w.')
  return span
}

function spanOf(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)$/.exec(text) ?? []
  const milliseconds = Math.round(Number(digits) * (MILLISECONDS[unit] ?? 0))
  return milliseconds >= 1 && milliseconds <= MAX_SPAN ? milliseconds : undefined
}

/** `2026-01-31T12:00Z`, `12:00` (UTC, the last time that it was so) or `-2h` (before the end). */
export function parseRecordingTime(text: string): RecordingTime {
  const within = beforeEnd(text) ?? clockTime(text) ?? moment(text)
  if (within === undefined) {
    throw new InvalidArgumentError(
      'Write it as 2026-01-31T12:00:00Z, as 12:00 (UTC), or as -2h (before the end).',
    )
  }
  return { text, within }
}

function beforeEnd(text: string): RecordingTime['within'] | undefined {
  const span = text.startsWith('-') ? spanOf(text.slice(1)) : undefined
  return span === undefined ? undefined : ({ last }) => last - span
}

/** Of the last day, or, if that ended earlier, of the day before. */
function clockTime(text: string): RecordingTime['within'] | undefined {
  const [, hours = '', minutes = '', seconds = '0'] =
    /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text) ?? []
  if (hours === '') return undefined
  const ofDay = Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND
  return ({ first, last }) => {
    const time = Math.floor(last / DAY) * DAY + ofDay
    return time > last && time - DAY >= first ? time - DAY : time
  }
}

/** ISO 8601; without an offset it is UTC, as everywhere here. */
const MOMENT =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?(Z|[+-]\d\d:?\d\d)?$/

function moment(text: string): RecordingTime['within'] | undefined {
  const [, day, minute, second = '00', fraction = '', offset = 'Z'] = MOMENT.exec(text) ?? []
  if (day === undefined || minute === undefined) return undefined
  const local = `${day}T${minute}:${second}.${fraction.padEnd(3, '0')}`
  const time = Date.parse(`${local}${offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`)
  // The 30th of February would be the 2nd of March.
  const asUtc = Date.parse(`${local}Z`)
  if (Number.isNaN(time) || new Date(asUtc).toISOString() !== `${local}Z`) return undefined
  return () => time
}
