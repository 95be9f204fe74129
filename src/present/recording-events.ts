/**
 * What happens while nodes are recorded, for people: each in one line.
 */
import type { BeamscopeError } from '../errors.ts'
import type { RecorderEvent } from '../history/recorder.ts'
import type { RecordingIndex } from '../history/recording-reader.ts'
import { counted, formatCount, formatSize } from './figures.ts'
import { printable } from './printable.ts'

/** What a recording held before it was gone on with, and what was cut off; in lines. */
export function resumedText(file: string, before: RecordingIndex): string {
  const { bytes, damage, damaged, nodes, samples } = before
  const name = printable(file)
  const [only, ...others] = nodes
  const first = Math.min(...nodes.map(({ first }) => first))
  const last = Math.max(...nodes.map(({ last }) => last))
  const whose =
    only === undefined
      ? ''
      : ` of ${others.length === 0 ? printable(only.node) : `${nodes.length} nodes`} from ` +
        `${shortTime(first)} to ${shortTime(last)}`
  const cut = damage.findLast(({ reason }) => reason === 'torn')
  const unreadable = damaged - (cut === undefined ? 0 : 1)
  return [
    `${name}: goes on behind ${samplesText(samples)}${whose}, ${formatSize(bytes)}`,
    ...(cut === undefined
      ? []
      : [`${name}: ${cut.bytes} bytes of a sample that was not written to its end are cut off`]),
    ...(unreadable === 0 ? [] : [`${name}: ${counted(unreadable, 'part')} of it cannot be read`]),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

export function recorderText(file: string, event: RecorderEvent): string {
  const name = printable(file)
  switch (event.type) {
    case 'failing':
      return `${textOf(event.error)}; it is tried again with each sample`
    case 'recovered':
      return `${name} can be written again`
    case 'unrecordable':
      return textOf(event.error)
    case 'begun-anew':
      return `${name} was moved away, and is begun anew`
    case 'compacting':
      return `${name} has ${formatSize(event.size)} and is compacted; samples are held meanwhile`
    case 'compacted': {
      const { after, before, kept, samples } = event.compaction
      return (
        `${name}: ${formatCount(kept)} of ${samplesText(samples)} kept, ` +
        `${formatSize(before)} are ${formatSize(after)} now`
      )
    }
    case 'not-compacted':
      return `${name} was not compacted: ${textOf(event.error)}`
  }
}

export function samplesText(count: number): string {
  return counted(count, 'sample')
}

export function failuresText(count: number): string {
  return counted(count, 'failure')
}

function textOf({ message }: BeamscopeError): string {
  return printable(message)
}

/** `90.5 s`, `12 min`, `5 h 12 min`, `3 d 4 h`. */
export function durationText(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** To the second. */
export function shortTime(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}
