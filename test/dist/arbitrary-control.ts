/**
 * Control messages by chance, every type of them.
 */
import fc from 'fast-check'
import type { ControlMessage } from '../../src/dist/control.ts'
import {
  arbitraryAtom,
  arbitraryPid,
  arbitraryReference,
  arbitraryTerm,
} from '../etf/arbitrary-term.ts'

const pid = arbitraryPid
const ref = arbitraryReference
const term = arbitraryTerm()
const process = fc.oneof(arbitraryPid, arbitraryAtom)
const traceToken = fc.option(term, { nil: undefined })
const uint32 = fc.nat({ max: 0xffff_ffff })
const unlinkId = fc
  .oneof(fc.bigInt({ min: 1n, max: 100n }), fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }))
  .map((id) => (id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : id))
const mfa = fc.record({ module: arbitraryAtom, function: arbitraryAtom, arity: fc.nat(255) })

function is<T extends string>(type: T): { readonly type: fc.Arbitrary<T> } {
  return { type: fc.constant(type) }
}

export const arbitraryControl: fc.Arbitrary<ControlMessage> = fc.oneof(
  fc.record({ ...is('link'), fromPid: pid, toPid: pid }),
  fc.record({ ...is('send'), toPid: pid, traceToken }),
  fc.record({ ...is('exit'), fromPid: pid, toPid: pid, reason: term, traceToken }),
  fc.record({ ...is('unlink'), fromPid: pid, toPid: pid }),
  fc.record(is('node_link')),
  fc.record({ ...is('reg_send'), fromPid: pid, toName: arbitraryAtom, traceToken }),
  fc.record({ ...is('group_leader'), fromPid: pid, toPid: pid }),
  fc.record({ ...is('exit2'), fromPid: pid, toPid: pid, reason: term, traceToken }),
  fc.record({ ...is('monitor_p'), fromPid: pid, toProc: process, ref }),
  fc.record({ ...is('demonitor_p'), fromPid: pid, toProc: process, ref }),
  fc.record({ ...is('monitor_p_exit'), fromProc: process, toPid: pid, ref, reason: term }),
  fc.record({ ...is('send_sender'), fromPid: pid, toPid: pid, traceToken }),
  fc.record({ ...is('payload_exit'), fromPid: pid, toPid: pid, traceToken }),
  fc.record({ ...is('payload_exit2'), fromPid: pid, toPid: pid, traceToken }),
  fc.record({ ...is('payload_monitor_p_exit'), fromProc: process, toPid: pid, ref }),
  fc.record({
    ...is('spawn_request'),
    reqId: ref,
    from: pid,
    groupLeader: pid,
    mfa,
    optList: fc.array(term, { maxLength: 3 }),
    traceToken,
  }),
  fc.record({
    ...is('spawn_reply'),
    reqId: ref,
    to: pid,
    flags: uint32,
    result: process,
    traceToken,
  }),
  fc.record({ ...is('alias_send'), fromPid: pid, alias: ref, traceToken }),
  fc.record({ ...is('unlink_id'), id: unlinkId, fromPid: pid, toPid: pid }),
  fc.record({ ...is('unlink_id_ack'), id: unlinkId, fromPid: pid, toPid: pid }),
  fc.record({
    ...is('altact_sig_send'),
    priority: fc.boolean(),
    exit: fc.boolean(),
    senderPid: pid,
    to: fc.oneof(pid, arbitraryAtom, ref),
    traceToken,
  }),
)
