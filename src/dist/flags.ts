/**
 * What two nodes can do together: the capability flags that each tells the other.
 *
 * A set of flags is a `bigint`, as wide as the 64 bits on the wire, so that bits of later releases stay.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#distribution-flags
 */

/** Every flag under its name in `erts/emulator/beam/dist.h`, without `DFLAG_`. */
export const flag = {
  /** Left off by a hidden node: the others do not tell each other of it. */
  PUBLISHED: 0x1n,
  ATOM_CACHE: 0x2n,
  EXTENDED_REFERENCES: 0x4n,
  DIST_MONITOR: 0x8n,
  FUN_TAGS: 0x10n,
  DIST_MONITOR_NAME: 0x20n,
  HIDDEN_ATOM_CACHE: 0x40n,
  NEW_FUN_TAGS: 0x80n,
  EXTENDED_PIDS_PORTS: 0x100n,
  EXPORT_PTR_TAG: 0x200n,
  BIT_BINARIES: 0x400n,
  NEW_FLOATS: 0x800n,
  UNICODE_IO: 0x1000n,
  DIST_HDR_ATOM_CACHE: 0x2000n,
  SMALL_ATOM_TAGS: 0x4000n,
  UTF8_ATOMS: 0x1_0000n,
  MAP_TAG: 0x2_0000n,
  BIG_CREATION: 0x4_0000n,
  SEND_SENDER: 0x8_0000n,
  BIG_SEQTRACE_LABELS: 0x10_0000n,
  EXIT_PAYLOAD: 0x40_0000n,
  FRAGMENTS: 0x80_0000n,
  HANDSHAKE_23: 0x100_0000n,
  UNLINK_ID: 0x200_0000n,
  /**
   * Stands for all flags that OTP 25 demands. The documentation gives `1 bsl 36`; OTP's source and its
   * nodes have this bit, and answer `not_allowed` to the other.
   */
  MANDATORY_25_DIGEST: 0x400_0000n,
  SPAWN: 0x1_0000_0000n,
  /** No capability but a request: the peer is to choose the name of the node that connects. */
  NAME_ME: 0x2_0000_0000n,
  V4_NC: 0x4_0000_0000n,
  ALIAS: 0x8_0000_0000n,
  ALTACT_SIG: 0x20_0000_0000n,
  NATIVE_RECORDS: 0x40_0000_0000n,
} as const

export type FlagName = keyof typeof flag

/** What OTP 25 demands of a peer, `DFLAG_DIST_MANDATORY_25` in `dist.h`. */
export const MANDATORY_25: bigint =
  flag.EXTENDED_REFERENCES |
  flag.FUN_TAGS |
  flag.NEW_FUN_TAGS |
  flag.EXTENDED_PIDS_PORTS |
  flag.EXPORT_PTR_TAG |
  flag.BIT_BINARIES |
  flag.NEW_FLOATS |
  flag.UTF8_ATOMS |
  flag.MAP_TAG |
  flag.BIG_CREATION |
  flag.HANDSHAKE_23

/** What OTP 26 and later demand, up to 29 at least. */
export const MANDATORY_26: bigint = MANDATORY_25 | flag.UNLINK_ID | flag.V4_NC

/**
 * What this client advertises as a hidden node. Both monitor flags stand there because `erpc` hangs
 * without the second: the request is carried out, and the answer never sent. With the atom cache a small
 * answer takes half the bytes; with fragments a large one lets others pass in between.
 */
export const CLIENT_FLAGS: bigint =
  MANDATORY_26 |
  flag.MANDATORY_25_DIGEST |
  flag.DIST_MONITOR |
  flag.DIST_MONITOR_NAME |
  flag.SMALL_ATOM_TAGS |
  flag.SEND_SENDER |
  flag.EXIT_PAYLOAD |
  flag.SPAWN |
  flag.DIST_HDR_ATOM_CACHE |
  flag.FRAGMENTS |
  flag.ALIAS |
  flag.ALTACT_SIG |
  flag.NATIVE_RECORDS

/** The set with what `MANDATORY_25_DIGEST` stands for, if that is in it. */
export function expandFlags(flags: bigint): bigint {
  return (flags & flag.MANDATORY_25_DIGEST) === 0n ? flags : flags | MANDATORY_25
}

/** What holds on a connection: the flags that both sides advertise, either one's digest expanded. */
export function flagsInForce(ours: bigint, theirs: bigint): bigint {
  return expandFlags(ours) & expandFlags(theirs)
}

/** The flags of `required` that `offered` lacks, its digest expanded. */
export function missingFlags(required: bigint, offered: bigint): bigint {
  return required & ~expandFlags(offered)
}

/** Whether all of `wanted` is in the set. */
export function hasFlags(flags: bigint, wanted: bigint): boolean {
  return (flags & wanted) === wanted
}

/** The names of a set's flags from the lowest bit up; `bit 40` for one that has none here. */
export function flagNames(flags: bigint): string[] {
  const names: string[] = []
  for (let bit = 0n; flags >> bit > 0n; bit++) {
    const value = 1n << bit
    if ((flags & value) !== 0n) names.push(nameByValue.get(value) ?? `bit ${bit}`)
  }
  return names
}

const nameByValue: ReadonlyMap<bigint, string> = new Map(
  Object.entries(flag).map(([name, value]) => [value, name]),
)
