/**
 * The JSON that programs read: one object with the same frame whatever the command.
 */
import type { Json } from '../analysis/json.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Unit } from '../analysis/unit.ts'
import { BeamscopeError, messageOf } from '../errors.ts'
import { printableJson } from './printable.ts'

/** What the frame says besides the data; what is not known becomes `null`. */
export interface JsonFrame extends Partial<Pick<Snapshot, 'node' | 'takenAt' | 'otpRelease'>> {
  readonly unit?: Unit
}

/**
 * `{"beamscope": "COMMAND/1", "node", "taken_at", "otp_release", "unit", "data"}`. The number is raised when
 * a program that reads the command's data would misread it.
 */
export function framed(command: string, frame: JsonFrame, data: Json): Json {
  return {
    beamscope: `${command}/1`,
    node: frame.node ?? null,
    taken_at: frame.takenAt ?? null,
    otp_release: frame.otpRelease ?? null,
    unit: frame.unit ?? null,
    data,
  }
}

/** The same as a line, which steers no terminal. */
export function jsonText(command: string, frame: JsonFrame, data: Json): string {
  return `${printableJson(JSON.stringify(framed(command, frame, data)))}\n`
}

/** Why a node, or whatever else, could not be asked. */
export function jsonError(error: unknown): {
  readonly code: string | null
  readonly message: string
  readonly hint: string | null
} {
  return error instanceof BeamscopeError
    ? { code: error.code, message: error.message, hint: error.hint ?? null }
    : { code: null, message: messageOf(error), hint: null }
}
