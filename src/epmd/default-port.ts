/**
 * On which port EPMD listens.
 *
 * @see https://www.erlang.org/doc/apps/erts/epmd_cmd.html#environment-variables
 */
import { InvalidEpmdPortError } from './errors.ts'

/** Registered with IANA for `epmd`. */
export const EPMD_PORT = 4369

/**
 * The port by `ERL_EPMD_PORT`, else 4369.
 *
 * @throws {InvalidEpmdPortError}
 */
export function defaultEpmdPort(env: Readonly<Record<string, string | undefined>>): number {
  const value = env.ERL_EPMD_PORT
  if (value === undefined || value === '') return EPMD_PORT
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0
  if (port < 1 || port > 0xffff) throw new InvalidEpmdPortError(value)
  return port
}
