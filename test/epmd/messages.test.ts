import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EpmdProtocolError } from '../../src/epmd/errors.ts'
import {
  decodeAlive2Response,
  decodeNamesResponse,
  decodePort2Response,
  decodeRequest,
  encodeAlive2Request,
  encodeAlive2Response,
  encodeNamesRequest,
  encodeNamesResponse,
  encodePort2Response,
  encodePortPlease2Request,
  MAX_REQUEST_SIZE,
  type NodeEntry,
} from '../../src/epmd/messages.ts'
import { uint32, wire } from '../dist/wire.ts'

const FROM = 'localhost:4369'

const foo: NodeEntry = {
  name: 'foo',
  port: 4711,
  kind: 'normal',
  protocol: 0,
  highestVersion: 6,
  lowestVersion: 5,
  extra: wire('xtra'),
}

/** The same node as it stands in ALIVE2_REQ and PORT2_RESP. */
const fooOnTheWire = wire(
  ...[0x12, 0x67], // PortNo
  77, // NodeType
  0, // Protocol
  ...[0, 6], // HighestVersion
  ...[0, 5], // LowestVersion
  ...[0, 3, 'foo'], // Nlen, NodeName
  ...[0, 4, 'xtra'], // Elen, Extra
)

/** Recorded from the EPMD of OTP 23, 25, 27 and 29, which all say the same. */
const registered = wire(119, 0, fooOnTheWire) // PORT2_RESP, Result
const notRegistered = wire(119, 1) // PORT2_RESP, Result
const accepted = wire(118, 0, uint32(0x6b02_dcbf)) // ALIVE2_X_RESP, Result, Creation
const acceptedOld = wire(121, 0, 0, 2) // ALIVE2_RESP, Result, Creation
const refused = wire(118, 1, uint32(99)) // ALIVE2_X_RESP, Result, Creation
const refusedOld = wire(121, 1, 0, 99) // ALIVE2_RESP, Result, Creation
const list = wire(
  uint32(0x5609), // EPMDPortNo
  'name b\u00e4r at port 1234\n',
  'name foo at port 4711\n',
)

const field = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
const uint16 = fc.nat({ max: 0xffff })
const arbitraryEntry: fc.Arbitrary<NodeEntry> = fc.record({
  name: field,
  port: uint16,
  kind: fc.oneof(
    fc.constantFrom('normal' as const, 'hidden' as const),
    fc.nat({ max: 255 }).filter((it) => it !== 72 && it !== 77),
  ),
  protocol: fc.nat({ max: 255 }),
  highestVersion: uint16,
  lowestVersion: uint16,
  extra: fc.uint8Array({ maxLength: 100 }).map((it) => Uint8Array.from(it)),
})

describe('requests', () => {
  it('have the bytes of the documentation', () => {
    expect(encodePortPlease2Request('foo')).toEqual(
      Buffer.from(wire(0, 4, 122, 'foo')), // Length, PORT_PLEASE2_REQ, NodeName
    )
    expect(encodeNamesRequest()).toEqual(Buffer.from(wire(0, 1, 110))) // Length, NAMES_REQ
    expect(encodeAlive2Request(foo)).toEqual(
      Buffer.from(wire(0, 20, 120, fooOnTheWire)), // Length, ALIVE2_REQ
    )
  })

  it.each([
    ['PORT_PLEASE2_REQ', encodePortPlease2Request('foo'), { type: 'port_please2', name: 'foo' }],
    ['NAMES_REQ', encodeNamesRequest(), { type: 'names' }],
    ['ALIVE2_REQ', encodeAlive2Request(foo), { type: 'alive2', entry: foo }],
  ])('are decoded when they are whole and not before: %s', (_, bytes, request) => {
    for (let size = 0; size < bytes.length; size++) {
      expect(decodeRequest(bytes.subarray(0, size), FROM)).toBeUndefined()
    }
    expect(decodeRequest(bytes, FROM)).toEqual(request)
  })

  it('come back as what they were', () => {
    fc.assert(
      fc.property(arbitraryEntry, (entry) => {
        expect(decodeRequest(encodeAlive2Request(entry), FROM)).toEqual({ type: 'alive2', entry })
        expect(decodeRequest(encodePortPlease2Request(entry.name), FROM)).toEqual({
          type: 'port_please2',
          name: entry.name,
        })
      }),
    )
  })

  it.each([
    ['without a tag', wire(0, 0)],
    ['with an unknown tag', wire(0, 5, 'hello')],
    ['that is two', wire(encodeNamesRequest(), encodeNamesRequest())],
    ['longer than any can be, by its length alone', wire(0xff, 0xff)],
    ['that looks up nothing', wire(0, 1, 122)],
    ['that looks up what is not UTF-8', wire(0, 2, 122, 0xff)],
    ['that registers nothing', encodeRawAlive('')],
    [
      'whose name is longer than the rest',
      wire(0, 13, 120, 0x12, 0x67, 77, 0, 0, 6, 0, 5, 0, 9, 0, 0),
    ],
    ['without the extra field', wire(0, 14, 120, 0x12, 0x67, 77, 0, 0, 6, 0, 5, 0, 3, 'foo')],
    ['whose name is longer than EPMD takes', encodeRawAlive('x'.repeat(1021))],
  ])('are rejected: one %s', (_, bytes) => {
    expect(() => decodeRequest(bytes, FROM)).toThrow(EpmdProtocolError)
  })

  it('are not made for a name that EPMD would not take', () => {
    expect(() => encodePortPlease2Request('')).toThrow(RangeError)
    expect(() => encodePortPlease2Request('x'.repeat(1021))).toThrow(RangeError)
    expect(() => encodeAlive2Request({ ...foo, extra: new Uint8Array(1021) })).toThrow(RangeError)
  })

  it('stay below the largest size', () => {
    const largest = { ...foo, name: '\u{1f40d}'.repeat(255), extra: new Uint8Array(1020) }
    expect(encodeAlive2Request(largest)).toHaveLength(MAX_REQUEST_SIZE)
  })
})

/** ALIVE2_REQ without the checks of `encodeAlive2Request`. */
function encodeRawAlive(name: string): Uint8Array {
  const size = 13 + name.length
  const nlen = [name.length >> 8, name.length & 0xff]
  const length = [size >> 8, size & 0xff]
  return wire(...length, 120, 0x12, 0x67, 77, 0, 0, 6, 0, 5, ...nlen, name, 0, 0)
}

describe('PORT2_RESP', () => {
  it.each([
    ['a node', registered, foo],
    ['no node', notRegistered, 'not_registered'],
  ])('is decoded when it is whole and not before: %s', (_, bytes, answer) => {
    for (let size = 0; size < bytes.length; size++) {
      expect(decodePort2Response(bytes.subarray(0, size), FROM)).toBeUndefined()
    }
    expect(decodePort2Response(bytes, FROM)).toEqual(answer)
  })

  it('is made as EPMD makes it', () => {
    expect(encodePort2Response(foo)).toEqual(Buffer.from(registered))
    expect(encodePort2Response(undefined)).toEqual(Buffer.from(notRegistered))
  })

  it('comes back as what it was', () => {
    fc.assert(
      fc.property(arbitraryEntry, (entry) => {
        expect(decodePort2Response(encodePort2Response(entry), FROM)).toEqual(entry)
      }),
    )
  })

  it('keeps a kind of node that nobody documented', () => {
    const bytes = Uint8Array.from(registered)
    bytes[4] = 1
    expect(decodePort2Response(bytes, FROM)).toMatchObject({ kind: 1 })
  })

  it.each([
    ['the tag of another', wire(121, 0)],
    ['a name longer than EPMD takes', wire(119, 0, 0x12, 0x67, 77, 0, 0, 6, 0, 5, 0xff, 0xff)],
    ['a name that is not UTF-8', wire(119, 0, 0x12, 0x67, 77, 0, 0, 6, 0, 5, 0, 1, 0xc3, 0, 0)],
    ['something behind it', wire(registered, 0)],
  ])('is rejected with %s', (_, bytes) => {
    expect(() => decodePort2Response(bytes, FROM)).toThrow(EpmdProtocolError)
  })
})

describe('ALIVE2_X_RESP and ALIVE2_RESP', () => {
  const old = { ...foo, highestVersion: 5 }

  it.each([
    ['32 bits', accepted, { creation: 0x6b02_dcbf }],
    ['16 bits', acceptedOld, { creation: 2 }],
    ['no creation, new', refused, 'refused'],
    ['no creation, old', refusedOld, 'refused'],
  ])('are decoded when they are whole and not before: %s', (_, bytes, answer) => {
    for (let size = 0; size < bytes.length; size++) {
      expect(decodeAlive2Response(bytes.subarray(0, size), FROM)).toBeUndefined()
    }
    expect(decodeAlive2Response(bytes, FROM)).toEqual(answer)
  })

  it('are made as EPMD makes them, by the version of the node', () => {
    expect(encodeAlive2Response(foo, 0x6b02_dcbf)).toEqual(Buffer.from(accepted))
    expect(encodeAlive2Response(foo, undefined)).toEqual(Buffer.from(refused))
    expect(encodeAlive2Response(old, 2)).toEqual(Buffer.from(acceptedOld))
    expect(encodeAlive2Response(old, undefined)).toEqual(Buffer.from(refusedOld))
  })

  it.each([
    ['the tag of another', wire(119, 0)],
    ['something behind it', wire(accepted, 0)],
  ])('are rejected with %s', (_, bytes) => {
    expect(() => decodeAlive2Response(bytes, FROM)).toThrow(EpmdProtocolError)
  })
})

describe('the list of names', () => {
  it('is decoded', () => {
    expect(decodeNamesResponse(list, FROM)).toEqual([
      { name: 'b\u00e4r', port: 1234 },
      { name: 'foo', port: 4711 },
    ])
    expect(decodeNamesResponse(wire(uint32(4369)), FROM)).toEqual([])
  })

  it('is made as EPMD makes it', () => {
    const names = decodeNamesResponse(list, FROM)
    expect(encodeNamesResponse(0x5609, names)).toEqual(Buffer.from(list))
  })

  it('is rejected wherever it is cut, but at the end of a line', () => {
    const lineEnds = [4, 4 + wire('name b\u00e4r at port 1234\n').length]
    for (let size = 0; size < list.length; size++) {
      const decode = () => decodeNamesResponse(list.subarray(0, size), FROM)
      if (lineEnds.includes(size)) decode()
      else expect(decode).toThrow(EpmdProtocolError)
    }
  })

  it.each(['names foo at port 1\n', 'name foo at port x\n', 'name  at port\n', 'HTTP/1.1 400\n'])(
    'is rejected with the line %j',
    (line) => {
      expect(() => decodeNamesResponse(wire(uint32(4369), line), FROM)).toThrow(EpmdProtocolError)
    },
  )
})

describe('hostile input', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    // What begins as it should gets further.
    fc
      .tuple(
        fc.constantFrom(wire(119, 0), wire(118, 0), wire(121, 0), wire(0, 20, 120), uint32(4369)),
        fc.uint8Array({ maxLength: 64 }),
      )
      .map((it) => wire(...it)),
  )

  it.each([
    ['a server', decodeRequest],
    ['a look-up', decodePort2Response],
    ['a registration', decodeAlive2Response],
    ['a list', decodeNamesResponse],
  ])('throws one kind of error in %s', (_, decode) => {
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          decode(input, FROM)
        } catch (error) {
          expect(error).toBeInstanceOf(EpmdProtocolError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
