/**
 * A sample on one line, for files and pipes: as text, and as an object of JSON.
 */
import { type Json, toJson } from '../analysis/json.ts'
import type { Integer } from '../analysis/snapshot.ts'
import { arithmetic, inUnit, type Unit } from '../analysis/unit.ts'
import { messageOf } from '../errors.ts'
import { hintOf } from '../present/error-text.ts'
import { formatPercentage, formatSize, NONE } from '../present/figures.ts'
import { jsonError, jsonText } from '../present/json.ts'
import type { Colors } from '../present/paper.ts'
import { printable } from '../present/printable.ts'
import { VERDICT_COLORS } from '../present/verdict-colors.ts'
import type { Look, Row } from './look.ts'
import { inOrder, type WatchOrder } from './order.ts'

export interface LineView {
  readonly unit: Unit | undefined
  readonly sort: WatchOrder
}

export function textLine(look: Look, { unit }: LineView, colors: Colors): string {
  const size = (bytes: Integer | undefined): string =>
    bytes === undefined ? NONE : formatSize(inUnit(bytes, unit ?? 'byte'), unit)
  const [worst] = inOrder(look.allocators, 'waste')
  return [
    printable(look.takenAt),
    printable(look.node),
    VERDICT_COLORS[look.verdict](colors)(look.verdict),
    `usage ${look.usage === undefined ? NONE : formatPercentage(look.usage)}`,
    `allocated ${size(look.allocated)}`,
    `resident ${size(look.resident)}`,
    `waste ${size(look.waste)}`,
    `worst ${worst === undefined || worst.waste === 0 ? NONE : printable(worst.name)}`,
  ].join('  ')
}

/** A node that did not answer. */
export function failureLine(node: string, time: number, error: unknown, colors: Colors): string {
  const [message = ''] = messageOf(error).split('\n')
  const hint = hintOf(error)
  const text = hint === undefined ? message : `${message}; ${hint}`
  return [
    new Date(time).toISOString(),
    printable(node),
    colors.red('no answer'),
    printable(text.replaceAll('\n', ' ')),
  ].join('  ')
}

/** `{"beamscope":"watch/1", …}` */
export function jsonLine(look: Look, { unit = 'byte', sort }: LineView): string {
  const { node, takenAt, otpRelease } = look
  return jsonText('watch', { node, takenAt, otpRelease, unit }, data(look, unit, sort))
}

function data(look: Look, unit: Unit, sort: WatchOrder): Json {
  const { from } = arithmetic(unit)
  const size = (bytes: Integer | undefined): Integer | undefined =>
    bytes === undefined ? undefined : from(bytes)
  const row = ({ name, allocated, used, usage, waste, pooled }: Row) => ({
    allocator: name,
    allocated: from(allocated),
    used: from(used),
    usage,
    waste: from(waste),
    pooled: from(pooled),
  })
  return toJson({
    verdict: look.verdict,
    usage: look.usage,
    allocated: size(look.allocated),
    used: size(look.used),
    resident: size(look.resident),
    waste: size(look.waste),
    allocators: inOrder(look.allocators, sort).map(row),
  })
}

/** `{"beamscope":"watch-failure/1", …}` */
export function jsonFailureLine(node: string, time: number, error: unknown): string {
  const takenAt = new Date(time).toISOString()
  return jsonText('watch-failure', { node, takenAt }, jsonError(error))
}
