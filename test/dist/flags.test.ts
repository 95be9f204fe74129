import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CLIENT_FLAGS,
  expandFlags,
  flag,
  flagNames,
  flagsInForce,
  hasFlags,
  MANDATORY_25,
  MANDATORY_26,
  missingFlags,
} from '../../src/dist/flags.ts'

/** What real nodes advertise to a hidden node. */
const OTP_23 = 0x1_01df_7fbdn
const OTP_25 = 0xd_07df_7fbdn
const OTP_29 = 0x6d_07df_7fbdn

const arbitraryFlags = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

describe('the sets', () => {
  it('demand what erts_internal:get_dflags/0 gives as mandatory', () => {
    expect(MANDATORY_25).toBe(17239956n) // OTP 25.2
    expect(MANDATORY_26).toBe(17230663572n) // OTP 27.3 and 29.1
  })

  it('have the digest at the bit that nodes know, and not at the documented one', () => {
    expect(flag.MANDATORY_25_DIGEST).toBe(0x400_0000n)
    expect(flagNames(1n << 36n)).toEqual(['bit 36'])
  })

  it('make a client hidden, and let it call by erpc', () => {
    expect(CLIENT_FLAGS).toBe(0x6d_07cf_6fbcn)
    expect(hasFlags(CLIENT_FLAGS, flag.PUBLISHED)).toBe(false)
    expect(hasFlags(CLIENT_FLAGS, flag.DIST_MONITOR | flag.DIST_MONITOR_NAME | flag.SPAWN)).toBe(
      true,
    )
  })

  it('give each flag a bit of its own', () => {
    const values = Object.values(flag)
    expect(new Set(values).size).toBe(values.length)
    for (const value of values) expect(value & (value - 1n)).toBe(0n)
  })
})

describe('flagNames', () => {
  it('names what an OTP 29 node advertises', () => {
    expect(flagNames(OTP_29).join(' ')).toBe(
      'PUBLISHED EXTENDED_REFERENCES DIST_MONITOR FUN_TAGS DIST_MONITOR_NAME NEW_FUN_TAGS ' +
        'EXTENDED_PIDS_PORTS EXPORT_PTR_TAG BIT_BINARIES NEW_FLOATS UNICODE_IO ' +
        'DIST_HDR_ATOM_CACHE SMALL_ATOM_TAGS UTF8_ATOMS MAP_TAG BIG_CREATION SEND_SENDER ' +
        'BIG_SEQTRACE_LABELS EXIT_PAYLOAD FRAGMENTS HANDSHAKE_23 UNLINK_ID MANDATORY_25_DIGEST ' +
        'SPAWN V4_NC ALIAS ALTACT_SIG NATIVE_RECORDS',
    )
  })

  it('gives as many names as there are bits, known or not', () => {
    fc.assert(
      fc.property(arbitraryFlags, (flags) => {
        const ones = [...flags.toString(2)].filter((it) => it === '1').length
        expect(flagNames(flags)).toHaveLength(ones)
      }),
    )
  })
})

describe('expandFlags', () => {
  it('puts what OTP 25 demands in the place of the digest', () => {
    expect(expandFlags(flag.MANDATORY_25_DIGEST)).toBe(flag.MANDATORY_25_DIGEST | MANDATORY_25)
  })

  it('leaves a set without the digest as it is', () => {
    expect(expandFlags(flag.SPAWN)).toBe(flag.SPAWN)
  })
})

describe('flagsInForce', () => {
  it('holds between this client and nodes of each release', () => {
    expect(flagsInForce(CLIENT_FLAGS, OTP_23)).toBe(0x1_01cf_6fbcn)
    expect(flagsInForce(CLIENT_FLAGS, OTP_25)).toBe(
      CLIENT_FLAGS & ~(flag.ALTACT_SIG | flag.NATIVE_RECORDS),
    )
    expect(flagsInForce(CLIENT_FLAGS, OTP_29)).toBe(CLIENT_FLAGS)
  })

  it('lets a digest on one side meet the flags themselves on the other', () => {
    expect(flagsInForce(flag.MANDATORY_25_DIGEST, MANDATORY_25)).toBe(MANDATORY_25)
  })

  it('is the same from either side, and nothing that a side does not mean', () => {
    fc.assert(
      fc.property(arbitraryFlags, arbitraryFlags, (ours, theirs) => {
        const inForce = flagsInForce(ours, theirs)
        expect(inForce).toBe(flagsInForce(theirs, ours))
        expect(missingFlags(inForce, ours)).toBe(0n)
        expect(missingFlags(inForce, theirs)).toBe(0n)
      }),
    )
  })
})

describe('missingFlags', () => {
  it('finds what OTP 23 lacks for OTP 26', () => {
    expect(missingFlags(MANDATORY_25, OTP_23)).toBe(0n)
    expect(flagNames(missingFlags(MANDATORY_26, OTP_23))).toEqual(['UNLINK_ID', 'V4_NC'])
  })

  it('finds nothing where the digest stands for it', () => {
    expect(missingFlags(MANDATORY_25, flag.MANDATORY_25_DIGEST)).toBe(0n)
  })
})
