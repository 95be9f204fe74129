/**
 * A process that decodes and encodes one payload with one codec.
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Term } from '../src/etf/terms.ts'
import { findDifference } from './difference.ts'
import type { Figures } from './interleave.ts'
import { toPlain } from './plain.ts'
import { type Etf, load, root } from './product.ts'
import { repeatSync } from './repeat.ts'
import { serve } from './worker.ts'

export const CODECS = [
  'beamscope',
  'erlang_js',
  '@typescord/ftee',
  'etf.js',
  'JSON',
  'msgpackr',
] as const

export type CodecName = (typeof CODECS)[number]

export type Operation = 'decode' | 'encode'

/** What a codec does with a payload; a fault is what it does wrong. */
export interface Preparation {
  /** With its version. */
  readonly title: string
  readonly faults: Readonly<Record<Operation, string | undefined>>
  /** Operations that it cannot do at all, and what it threw. */
  readonly failures: Readonly<Record<Operation, string | undefined>>
}

interface Codec {
  /** Of the payload, or of the codec's own form of it. */
  readonly decode: () => unknown
  /** What it encodes: what it has decoded, else the payload in the shape that it knows. */
  readonly value: () => unknown
  readonly encode: (value: unknown) => unknown
}

interface ErlangJs {
  readonly Erlang: {
    binary_to_term(bytes: Buffer, callback: (error: unknown, term: unknown) => void): void
    term_to_binary(term: unknown, callback: (error: unknown, bytes: Buffer) => void): void
  }
}

interface Ftee {
  decode(bytes: Buffer): unknown
  encode(value: unknown): Buffer
}

interface EtfJs {
  unpack(bytes: Buffer): unknown
  pack(value: unknown): Uint8Array
}

interface Msgpackr {
  unpack(bytes: Buffer): unknown
  pack(value: unknown): Buffer
}

const require = createRequire(import.meta.url)

let prepared: Readonly<Record<Operation, () => unknown>> | undefined

serve({
  async prepare(name: CodecName, path: string): Promise<Preparation> {
    const etf = await load.etf()
    const bytes = await readFile(path)
    const term = etf.decode(bytes)
    const codec = open(name, etf, bytes, term)
    const decoded = attempt(codec.decode)
    const value = attempt(codec.value)
    const encoded = value.error === undefined ? attempt(() => codec.encode(value.value)) : value
    prepared = { decode: codec.decode, encode: () => codec.encode(value.value) }
    return {
      title: titleOf(name),
      failures: { decode: decoded.error, encode: encoded.error },
      faults: {
        // Ours is what the others are held against; its own tests say that it is right.
        decode:
          name === 'beamscope' || isOwnForm(name)
            ? undefined
            : findDifference(etf, term, decoded.value),
        encode: isOwnForm(name) ? undefined : findFault(etf, term, encoded.value),
      },
    }
  },

  async run(operation: Operation, duration: number): Promise<Figures> {
    if (prepared === undefined) throw new Error('not prepared')
    return repeatSync(prepared[operation], duration)
  },
})

function open(name: CodecName, etf: Etf, bytes: Buffer, term: Term): Codec {
  switch (name) {
    case 'beamscope':
      return {
        decode: () => etf.decode(bytes),
        value: () => term,
        encode: () => etf.encode(term),
      }
    case 'erlang_js': {
      const { Erlang }: ErlangJs = require(name)
      const decode = (): unknown => {
        let result: unknown
        Erlang.binary_to_term(bytes, (error, value) => {
          if (error) throw error
          result = value
        })
        return result
      }
      const encode = (value: unknown): unknown => {
        let result: unknown
        Erlang.term_to_binary(value, (error, it) => {
          if (error) throw error
          result = it
        })
        return result
      }
      return { decode, value: decode, encode }
    }
    case '@typescord/ftee': {
      const ftee: Ftee = require(name)
      const decode = (): unknown => ftee.decode(bytes)
      return { decode, value: decode, encode: (value) => ftee.encode(value) }
    }
    case 'etf.js': {
      const etfJs: EtfJs = require(name)
      const decode = (): unknown => etfJs.unpack(bytes)
      return { decode, value: decode, encode: (value) => etfJs.pack(value) }
    }
    case 'JSON': {
      const plain = toPlain(etf, term)
      const text = JSON.stringify(plain)
      return {
        decode: () => JSON.parse(text),
        value: () => plain,
        encode: (value) => JSON.stringify(value),
      }
    }
    case 'msgpackr': {
      const msgpackr: Msgpackr = require(name)
      const plain = toPlain(etf, term)
      const packed = Buffer.from(msgpackr.pack(plain))
      return {
        decode: () => msgpackr.unpack(packed),
        value: () => plain,
        encode: (value) => msgpackr.pack(value),
      }
    }
  }
}

function attempt(work: () => unknown): { readonly value?: unknown; readonly error?: string } {
  try {
    return { value: work() }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** These have no terms; they are measured with what they made themselves. */
function isOwnForm(name: CodecName): boolean {
  return name === 'JSON' || name === 'msgpackr'
}

function findFault(etf: Etf, term: Term, encoded: unknown): string | undefined {
  if (!(encoded instanceof Uint8Array)) return undefined
  try {
    const written = etf.decode(encoded)
    return etf.equals(written, term) ? undefined : describeFault(etf, term, written)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The first kind of term that became another. */
function describeFault(etf: Etf, term: Term, written: Term): string {
  const kind = (it: Term): string => {
    if (typeof it === 'number' || typeof it === 'bigint') return 'integer'
    if (it instanceof Uint8Array) return 'binary'
    return etf.isList(it) ? 'list' : it.type
  }
  if (kind(term) !== kind(written)) return `${kind(term)} as ${kind(written)}`
  const parts = (it: Term): readonly Term[] => {
    if (etf.isTuple(it)) return it.elements
    if (it instanceof etf.ErlangMap) return [...it.keys, ...it.values]
    return etf.isList(it) ? it : []
  }
  const [own, other] = [parts(term), parts(written)]
  for (const [index, part] of own.entries()) {
    const counterpart = other[index]
    if (counterpart !== undefined && !etf.equals(part, counterpart)) {
      return describeFault(etf, part, counterpart)
    }
  }
  return `another ${kind(term)}`
}

function titleOf(name: CodecName): string {
  if (name === 'beamscope') return name
  if (name === 'JSON') return `JSON, Node.js ${process.versions.node}`
  // Not every package exports its own.
  const file = new URL(`bench/node_modules/${name}/package.json`, root)
  const { version }: { readonly version: string } = JSON.parse(readFileSync(file, 'utf8'))
  return `${name} ${version}`
}
