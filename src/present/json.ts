/**
 * The JSON that programs read: one object with the same frame whatever the command.
 */
import type { Json } from '../analysis/json.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Unit } from '../analysis/unit.ts'

/** What the frame says besides the data; what is not known becomes `null`. */
export interface JsonFrame extends Partial<Pick<Snapshot, 'node' | 'takenAt' | 'otpRelease'>> {
  readonly unit?: Unit
}

/**
 * `{"beamscope": "COMMAND/1", "node", "taken_at", "otp_release", "unit", "data"}` and a newline. The
 * number is raised when a program that reads the command's data would misread it.
 */
export function jsonText(command: string, frame: JsonFrame, data: Json): string {
  const object = {
    beamscope: `${command}/1`,
    node: frame.node ?? null,
    taken_at: frame.takenAt ?? null,
    otp_release: frame.otpRelease ?? null,
    unit: frame.unit ?? null,
    data,
  }
  return `${JSON.stringify(object)}\n`
}
