import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidNodeNameError, parseNodeName, quoteForeignText } from '../../src/dist/node-name.ts'

const anyText = fc.string({ unit: 'binary' })

function errorFor(text: string): InvalidNodeNameError {
  try {
    parseNodeName(text)
  } catch (error) {
    if (error instanceof InvalidNodeNameError) return error
    throw error
  }
  throw new Error(`${text} was accepted`)
}

describe('parseNodeName', () => {
  it('takes a name apart', () => {
    expect(parseNodeName('rabbit@myhost')).toEqual({
      full: 'rabbit@myhost',
      alive: 'rabbit',
      host: 'myhost',
      kind: 'short',
    })
  })

  it.each([
    ['a@host', 'short'],
    ['a@host.example.org', 'long'],
    ['a@127.0.0.1', 'long'],
    ['a@::1', 'long'],
    ['a@fe80::1%eth0', 'long'],
  ])('takes %s, which is %s', (text, kind) => {
    expect(parseNodeName(text).kind).toBe(kind)
  })

  // Each of these was taken, or refused, by net_kernel:start/1 of OTP 23, 25, 27 and 29.
  it.each(['x-Y_1@127.0.0.1', 'x@\u00e9.b', '17@h'])('takes %s, as net_kernel does', (text) => {
    expect(parseNodeName(text).full).toBe(text)
  })

  it.each(['foo.bar@h', 'x!@a.b', 'x@a b', '@a.b', 'x@', 'x@h\u20ac', '\u00e9@h'])(
    'rejects %s, as net_kernel does',
    (text) => {
      expect(errorFor(text).text).toBe(text)
    },
  )

  it.each(['x@h\u0085', 'x@h\u007f', 'x@h\u00a0'])('rejects %j, which nobody could see', (text) => {
    expect(errorFor(text).message).toContain('a character of the host')
  })

  it('rejects two @, which pass in no handshake', () => {
    expect(errorFor('x@a@b').message).toContain('more than one @')
  })

  it('tells who gives only the first part what a whole name looks like', () => {
    const error = errorFor('rabbit')
    expect(error.code).toBe('ERR_NODE_NAME')
    expect(error.message).toBe('"rabbit" is no node name: the host is missing')
    expect(error.hint).toBe('a node name has a host: rabbit@myhost')
    expect(errorFor('').hint).toBe('a node name has a host: rabbit@myhost')
    expect(errorFor('hare@').hint).toBe('a node name has a host: hare@myhost')
  })

  it('takes 255 characters and no more', () => {
    const text = `a@${'h'.repeat(253)}`
    expect(parseNodeName(text).full).toBe(text)
    expect(errorFor(`${text}h`).message).toContain('256 characters')
  })

  it('takes any text or throws its own error, on one line', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.tuple(anyText, anyText).map((it) => it.join('@')),
        ),
        (text) => {
          try {
            const { alive, host, full } = parseNodeName(text)
            expect(`${alive}@${host}`).toBe(text)
            expect(full).toBe(text)
          } catch (error) {
            if (!(error instanceof InvalidNodeNameError)) throw error
            expect(error.message).not.toMatch(/\p{Cc}/u)
          }
        },
      ),
    )
  })
})

describe('quoteForeignText', () => {
  it('leaves nothing that a terminal would obey', () => {
    expect(quoteForeignText('\u001b[2J\u009b2J\n')).toBe('"\\u001b[2J\\u009b2J\\n"')
    expect(quoteForeignText('a\u202eb')).toBe('"a\\u202eb"')
  })

  it('cuts what is long', () => {
    expect(quoteForeignText('x'.repeat(1000))).toBe(`"${'x'.repeat(80)}…"`)
  })
})
