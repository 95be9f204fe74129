/** What tests need of this machine, and what to say where it is missing. */
import { networkInterfaces } from 'node:os'
import {
  type Choice,
  type ErlangApplication,
  isolationMissing,
  reconFolder,
  reconMissing,
} from '../../src/testing/releases.ts'

export interface Needs {
  readonly recon?: boolean
  /** A network of its own. */
  readonly isolation?: boolean
  /** An address ::1. */
  readonly ipv6?: boolean
  readonly applications?: readonly ErlangApplication[]
}

/** What is missing, with what to do about it; `undefined` if nothing is. */
export function shortfallOf(choice: Choice, needs: Needs): string | undefined {
  if (choice.where === 'nowhere') {
    return `${choice.reason}; ${choice.hint}`
  }
  const { applications = [] } = needs
  const missing = applications.filter(
    (it) => choice.where === 'path' && !choice.applications.includes(it),
  )
  if (missing.length > 0) {
    return `erl on PATH has no ${missing.join(', ')}; install it, or start a Docker engine`
  }
  if (needs.isolation && choice.where !== 'docker') {
    return `${isolationMissing.reason}; ${isolationMissing.hint}`
  }
  if (needs.ipv6 && !hasIpv6()) {
    return 'this machine has no ::1; enable IPv6 on its loopback interface'
  }
  if (needs.recon && reconFolder(choice) === undefined) {
    return `${reconMissing.reason}; ${reconMissing.hint}`
  }
  return undefined
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  )
}

/** Whether a test that cannot run here is a failure. */
export function isRequired(): boolean {
  return process.env.BEAMSCOPE_NATIVE === 'required'
}
