/**
 * Moments and durations, in few characters.
 */

/** Of the day, where whoever looks is: `12:04:31`. */
export function clockTime(time: number): string {
  const date = new Date(time)
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

/** As it is typed: `500ms`, `2s`, `1m`. */
export function durationText(milliseconds: number): string {
  if (milliseconds % 60_000 === 0) return `${milliseconds / 60_000}m`
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`
}
