/** The External Term Format against the real one: `term_to_binary/1` and `binary_to_term/1`. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  DecodeError,
  decode,
  ErlangMap,
  encode,
  equals,
  Fun,
  ImproperList,
  NativeRecord,
  OldFun,
  Pid,
  Port,
  Reference,
  type Term,
  Tuple,
} from '../src/etf/index.ts'
import { arbitraryTerm } from '../test/etf/arbitrary-term.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, type ErlangRelease, startErlangNode } from './support/index.ts'

const seed = 25_519
/** Of which each release can hold a part. */
const generated = 1500
/** Bytes of input for one evaluation. */
const batchSize = 50_000

describeOnEachRelease('the codec', (release) => {
  let node: ErlangNode

  beforeAll(async () => {
    node = await startErlangNode({ release })
  })

  afterAll(async () => {
    await node.stop()
  })

  describe('on generated terms', () => {
    const terms = fc
      .sample(arbitraryTerm(), { numRuns: generated, seed })
      .filter((term) => everyWithin(term, (part) => isKnown(part, release)))
    let rewritten: readonly Uint8Array[]

    beforeAll(async () => {
      // An empty answer for what cannot be read, or changes when it is written and read there.
      rewritten = await mapOn(
        node,
        terms.map((term) => encode(term)),
        `try
           Term = binary_to_term(Bytes),
           Written = term_to_binary(Term),
           true = binary_to_term(Written) =:= Term,
           Written
         catch
           _:_ -> <<>>
         end`,
      )
    })

    it('has some hundreds of them', () => {
      expect(terms.length).toBeGreaterThan(300)
    })

    it('writes what the node reads, and reads what it writes for that, as equal terms', () => {
      expect(rewritten).toHaveLength(terms.length)
      for (const [index, term] of terms.entries()) {
        const bytes = rewritten[index] ?? new Uint8Array()
        const ours = Buffer.from(encode(term)).toString('base64')
        expect(bytes.length, `refused: ${ours}`).toBeGreaterThan(0)
        expect(equals(decode(bytes), term), `changed: ${ours}`).toBe(true)
      }
    })

    // Before OTP 26 atoms of Latin-1 were written as such.
    if (release >= 27)
      it('writes the very bytes of the node', () => {
        let compared = 0
        for (const bytes of rewritten) {
          const term = decode(bytes)
          // Small ports are written as OTP 23 knows them.
          if (!everyWithin(term, (part) => !(part instanceof Port))) continue
          expect(Buffer.from(encode(term)).toString('base64')).toBe(
            Buffer.from(bytes).toString('base64'),
          )
          compared++
        }
        expect(compared).toBeGreaterThan(250)
      })

    it('writes compressed what the node reads as the same', async () => {
      const some = terms.slice(0, 100).map((term) => [term, 1, term])
      const plain = some.map((term) => encode(term))
      const compressed = some.map((term) => encode(term, { compressed: 9 }))
      expect(compressed.some((bytes) => bytes[1] === /* COMPRESSED */ 80)).toBe(true)
      const read = 'term_to_binary(binary_to_term(Bytes))'
      expect(await mapOn(node, compressed, read)).toStrictEqual(await mapOn(node, plain, read))
    })

    it('reads what the node compresses', async () => {
      const bytes = terms.map((term) => encode([term, term, term]))
      const compressed = await mapOn(
        node,
        bytes,
        'term_to_binary(binary_to_term(Bytes), [compressed])',
      )
      expect(compressed.some((it) => it[1] === /* COMPRESSED */ 80)).toBe(true)
      for (const [index, term] of terms.entries()) {
        const copy = decode(compressed[index] ?? new Uint8Array())
        expect(equals(copy, [term, term, term])).toBe(true)
      }
    })
  })

  const own: readonly (readonly [string, string, since?: number])[] = [
    ['the pid of a process', 'self()'],
    ['a reference', 'make_ref()'],
    ['an alias', 'alias()', 24],
    ['a port', 'hd(erlang:ports())'],
    ['a fun of a module', 'fun lists:map/2'],
    ['a fun of the shell', 'fun(X) -> {X, self()} end'],
    ['a fun with free variables', 'Free = {1, make_ref()}, fun() -> Free end'],
    ['funs that were compiled', 'rand:seed_s(exsss, 1)'],
    ['an atom of Latin-1', 'list_to_atom([233])'],
    ['an atom of 255 characters', 'list_to_atom(lists:duplicate(255, 16#1F600))'],
    ['minus zero', '-0.0'],
    ['the smallest float', '5.0e-324'],
    ['an integer of 2040 bits', '(1 bsl 2040) - 1'],
    ['a negative integer of 2041 bits', '-(1 bsl 2040)'],
    ['a bitstring', '<<1, 2, 5:3>>'],
    ['a bitstring that is part of another one', '<<_:3, Rest/bits>> = <<1, 2, 3>>, Rest'],
    ['a list of more than 65,535 bytes', 'lists:duplicate(65536, 7)'],
    ['a tuple of 256 elements', 'erlang:make_tuple(256, {})'],
    [
      'a map of many keys',
      'maps:from_list([{{K, #{K => 1.0}}, [K | K]} || K <- lists:seq(1, 100)])',
    ],
    ['the state of a server', 'sys:get_state(kernel_sup)'],
    ['the figures of an allocator', 'erlang:system_info({allocator, eheap_alloc})'],
    ['a record', 'binary_to_term(<<131,67,0,0,0,1,1,119,1,114,119,1,112,119,1,120,97,7>>)', 29],
  ]

  for (const [name, expression, since = 0] of own) {
    if (release >= since)
      it(`brings back ${name} as the same term`, async () => {
        const key = `{codec_test, ${own.findIndex(([it]) => it === name)}}`
        const bytes = bytesOf(
          await node.evaluate(`
          Term = begin ${expression} end,
          persistent_term:put(${key}, Term),
          base64:encode(term_to_binary(Term))
        `),
        )
        const ours = Buffer.from(encode(decode(bytes))).toString('base64')
        expect(
          await node.evaluate(
            `binary_to_term(base64:decode(<<"${ours}">>)) =:= persistent_term:get(${key})`,
          ),
        ).toBe('true')
      })
  }

  if (release >= 26)
    it('brings back a term in the encoding of the node alone', async () => {
      const term = '{make_ref, [1, 2.0, <<"three">>]}'
      for (const options of ['[local]', '[local, compressed]']) {
        const bytes = bytesOf(
          await node.evaluate(
            `base64:encode(term_to_binary(lists:duplicate(100, ${term}), ${options}))`,
          ),
        )
        const ours = Buffer.from(encode(decode(bytes))).toString('base64')
        expect(
          await node.evaluate(
            `binary_to_term(base64:decode(<<"${ours}">>)) =:= lists:duplicate(100, ${term})`,
          ),
        ).toBe('true')
      }
    })

  it('refuses what the node refuses', async () => {
    const a = [/* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97]
    const text = (float: string): readonly number[] => [
      .../* FLOAT_EXT */ [
        99,
        ...Buffer.from(float),
        ...new Array<number>(31 - float.length).fill(0),
      ],
    ]
    const inputs: readonly (readonly number[])[] = [
      [],
      [/* no tag */ 66],
      [/* no tag */ 255],
      [/* SMALL_TUPLE_EXT */ 104, 1],
      [/* LARGE_TUPLE_EXT */ 105, 255, 255, 255, 255],
      [/* LIST_EXT */ 108, 0, 0, 0, 1, ...a],
      [/* MAP_EXT */ 116, 0, 0, 0, 2, ...a, 106, ...a, 106],
      [/* MAP_EXT */ 116, 0, 0, 0, 2, 104, 1, 97, 1, 106, 104, 1, 98, 0, 0, 0, 1, 106],
      [/* BINARY_EXT */ 109, 0, 0, 0, 2, 0],
      [/* BIT_BINARY_EXT */ 77, 0, 0, 0, 1, 9, 0],
      [/* BIT_BINARY_EXT */ 77, 0, 0, 0, 1, 0, 0],
      [/* NEW_FLOAT_EXT, infinity */ 70, 127, 240, 0, 0, 0, 0, 0, 0],
      [/* NEW_FLOAT_EXT, a NaN */ 70, 127, 248, 0, 0, 0, 0, 0, 0],
      text('1'),
      text('1.'),
      text('.5'),
      text('1e5'),
      text(' 1.5'),
      text('1.5 '),
      text('1.0e+309'),
      [/* SMALL_ATOM_UTF8_EXT */ 119, 1, 0x80],
      [/* SMALL_ATOM_UTF8_EXT */ 119, 2, 0xc0, 0x80],
      [/* SMALL_ATOM_UTF8_EXT */ 119, 3, 0xed, 0xa0, 0x80],
      [/* ATOM_UTF8_EXT */ 118, 1, 0, ...new Array<number>(256).fill(97)],
      [/* ATOM_EXT */ 100, 1, 0, ...new Array<number>(256).fill(97)],
      [/* EXPORT_EXT */ 113, ...a, ...a, ...a],
      [/* NEWER_REFERENCE_EXT */ 90, 0, 6, ...a, 0, 0, 0, 1, ...new Array<number>(24).fill(0)],
      [/* NEW_PID_EXT */ 88, /* NIL_EXT */ 106, ...new Array<number>(12).fill(0)],
      [/* COMPRESSED */ 80, 0, 0, 0, 2, 1, 2, 3],
      [/* ATOM_CACHE_REF */ 82, 0],
      [/* RECORD_EXT */ 67, 0, 0, 0, 0, 2, ...a, ...a],
      [/* RECORD_EXT */ 67, 0, 0, 0, 2, 0, ...a, ...a, ...a, ...a, 106, 106],
      [/* SMALL_TUPLE_EXT */ 104, 1, /* LOCAL_EXT */ 121, 97, 1],
    ]
    const all = inputs.map((input) => Uint8Array.of(131, ...input))
    const verdicts = await mapOn(
      node,
      all,
      'try {_, Used} = binary_to_term(Bytes, [used]), <<Used:32>> catch _:_ -> <<>> end',
    )
    for (const [index, bytes] of all.entries()) {
      expect(verdicts[index], `node, input ${index}`).toHaveLength(0)
      expect(() => decode(bytes), `ours, input ${index}`).toThrow(DecodeError)
    }
  })
})

/**
 * Evaluates an expression on the node for each of the inputs, there a binary named `Bytes`; its values
 * are binaries as well.
 */
async function mapOn(
  node: ErlangNode,
  inputs: readonly Uint8Array[],
  expression: string,
): Promise<readonly Uint8Array[]> {
  const outputs: Uint8Array[] = []
  let batch: Uint8Array[] = []
  let size = 0
  const flush = async (): Promise<void> => {
    const joined = Buffer.concat(batch.flatMap((bytes) => [uint32(bytes.length), bytes]))
    const answer = bytesOf(
      await node.evaluate(`
        Evaluate = fun(Bytes) -> ${expression} end,
        base64:encode(iolist_to_binary([
          begin Value = Evaluate(Bytes), [<<(byte_size(Value)):32>>, Value] end
          || <<Size:32, Bytes:Size/binary>> <= base64:decode(<<"${joined.toString('base64')}">>)
        ]))
      `),
    )
    for (let at = 0; at < answer.length; ) {
      const end = at + 4 + answer.readUInt32BE(at)
      outputs.push(answer.subarray(at + 4, end))
      at = end
    }
    batch = []
    size = 0
  }
  for (const input of inputs) {
    batch.push(input)
    size += input.length
    if (size > batchSize) await flush()
  }
  await flush()
  return outputs.map((output) => Uint8Array.from(output))
}

/** What `evaluate` gives for a binary in Base64. */
function bytesOf(answer: string): Buffer {
  const base64 = /^<<(?:"([^"]*)")?>>$/.exec(answer)
  if (base64 === null) throw new Error(`no binary: ${answer.slice(0, 200)}`)
  return Buffer.from(base64[1] ?? '', 'base64')
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Whether nodes of this release can hold the term, its parts aside. */
function isKnown(term: Term, release: ErlangRelease): boolean {
  // No release since R8 reads FUN_EXT, and since OTP 26 a fun forgets its process.
  if (term instanceof OldFun) return false
  if (term instanceof Fun) return release < 26
  if (term instanceof NativeRecord) return release >= 29
  if (release >= 24) return true
  // Without V4_NC: pids of 15 and 13 bits, ports of 28, and references of three words, the first of 18.
  if (term instanceof Pid) return term.id < 2 ** 15 && term.serial < 2 ** 13
  if (term instanceof Port) return term.id < 2 ** 28
  if (term instanceof Reference) return term.words.length <= 3 && (term.words[0] ?? 0) < 2 ** 18
  return true
}

function everyWithin(term: Term, holds: (part: Term) => boolean): boolean {
  return holds(term) && partsOf(term).every((part) => everyWithin(part, holds))
}

function partsOf(term: Term): readonly Term[] {
  if (term instanceof Tuple) return term.elements
  if (term instanceof ImproperList) return [...term.elements, term.tail]
  if (term instanceof ErlangMap) return [...term.keys, ...term.values]
  if (term instanceof Fun) return [term.pid, ...term.freeVariables]
  if (term instanceof NativeRecord) return term.fields.map(([, value]) => value)
  return Array.isArray(term) ? term : []
}
