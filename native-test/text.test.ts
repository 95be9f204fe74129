/** Erlang text and Erlang's order against the real ones: `~0tp`, `erl_parse:parse_term/1`, `<`. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  atom,
  binary,
  compareTerms,
  decode,
  ExportFun,
  encode,
  equals,
  Float,
  formatTerm,
  isAtom,
  isList,
  isTuple,
  map,
  NativeRecord,
  Pid,
  parseTerm,
  type Term,
  tuple,
} from '../src/etf/index.ts'
import {
  arbitraryPid,
  arbitraryPort,
  arbitraryReference,
  arbitraryTerm,
} from '../test/etf/arbitrary-term.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'

const seed = 25_519
const data = arbitraryTerm({ kinds: 'data' })
/** How many terms go in one evaluation. */
const batchSize = 50

describeOnEachRelease('the text of terms', (release) => {
  let node: ErlangNode

  beforeAll(async () => {
    node = await startErlangNode({ release })
  })

  afterAll(async () => {
    await node.stop()
  })

  it('is read from what the node prints', async () => {
    const terms = fc.sample(data, { numRuns: 400, seed }).filter((term) => {
      const text = formatTerm(term)
      // Names in funs come out as bytes, and OTP 23 prints no negative zero.
      return !text.includes('fun ') && !(release < 25 && text.includes('-0.0'))
    })
    expect(terms.length).toBeGreaterThan(200)
    const formats = ['~p', '~tp', '~0p', '~0tp', '~w', '~tw', '~60p']
    const printed = await askEach(
      node,
      terms,
      `[unicode:characters_to_binary(io_lib:format(Format, [Term]))
        || Format <- [${formats.map((format) => `"${format}"`).join(',')}]]`,
    )
    for (const [index, term] of terms.entries()) {
      const texts = listOf(printed[index])
      expect(texts).toHaveLength(formats.length)
      for (const text of texts) {
        expect(equals(parseTerm(textOf(text)), term), textOf(text)).toBe(true)
      }
    }
  })

  it('is read by the node', async () => {
    const terms = fc.sample(data, { numRuns: 200, seed }).filter((term) => {
      // erl_scan takes none of the two codes that are no characters.
      return !/[\ufffe\uffff]/.test(formatTerm(term))
    })
    for (const layout of ['line', 'pretty'] as const) {
      const pairs = terms.map((term) => tuple(term, binary(`${formatTerm(term, { layout })}.`)))
      const verdicts = await askEach(
        node,
        pairs,
        `begin
           {Value, Text} = Term,
           {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text)),
           {ok, Value} =:= erl_parse:parse_term(Tokens)
         end`,
      )
      for (const [index, term] of terms.entries()) {
        expect(isAtom(verdicts[index], 'true'), formatTerm(term, { layout })).toBe(true)
      }
    }
  })

  // Earlier releases print floats and some atoms in another form.
  if (release >= 27)
    it("is that of ~0tp, layout 'line'", async () => {
      const plainName = fc.stringMatching(/^[a-z][a-zA-Z0-9_]*$/)
      const terms = [
        ...fc
          .sample(data, { numRuns: 600, seed })
          .filter((term) => !formatTerm(term).includes('fun ')),
        ...fc
          .sample(fc.tuple(plainName, plainName), { numRuns: 20, seed })
          .map(([module, name]) => new ExportFun(atom(module), atom(name), 3)),
        // Floats of every magnitude, with few digits and with many.
        ...fc
          .sample(fc.double({ noNaN: true, noDefaultInfinity: true }), { numRuns: 500, seed })
          .map((value) => new Float(value)),
        ...Array.from({ length: 638 }, (_, i) => new Float(Number(`${i % 97}e${i - 332}`))),
        ...Array.from({ length: 256 }, (_, code) => [atom(String.fromCharCode(code)), [code]]),
        ...Array.from({ length: 256 }, (_, code) => [
          atom(`a${String.fromCharCode(code)}`),
          Uint8Array.of(code),
          binary(String.fromCharCode(code)),
        ]),
        ...(release >= 29
          ? [
              new NativeRecord(atom('m'), atom('end'), true, [[atom('A'), [1]]]),
              new NativeRecord(atom('m'), atom('n'), false, []),
            ]
          : []),
      ]
      expect(terms.length).toBeGreaterThan(1500)
      // The node has its own order for the keys of a map.
      const answers = await askEach(
        node,
        terms,
        '{term_to_binary(Term), unicode:characters_to_binary(io_lib:format("~0tp", [Term]))}',
      )
      for (const answer of answers) {
        const [bytes, text] = isTuple(answer, 2) ? answer.elements : []
        if (!(bytes instanceof Uint8Array)) throw new Error('no term came back')
        expect(formatTerm(decode(bytes))).toBe(textOf(text))
      }
    })

  it('has the identifiers and funs of the node as it prints them itself', async () => {
    const answers = await askEach(
      node,
      [[]],
      `begin
         All = [self(), hd(erlang:ports()), make_ref(), {make_ref()}],
         Fun = fun() -> Term end,
         [node(), {All, unicode:characters_to_binary(io_lib:format("~0tp", [All]))},
          {Fun, unicode:characters_to_binary(io_lib:format("~0tp", [Fun]))}]
       end`,
    )
    const [name, identifiers, fun] = listOf(answers[0])
    if (!(isAtom(name) && isTuple(identifiers, 2) && isTuple(fun, 2))) throw new Error('no answer')
    const [all, text] = identifiers.elements
    const [pid] = listOf(all)
    if (all === undefined || !(pid instanceof Pid)) throw new Error('no pid came back')
    const identity = { name: name.name, creation: pid.creation }
    expect(formatTerm(all, { node: identity })).toBe(textOf(text))
    expect(equals(parseTerm(textOf(text), { node: identity }), all)).toBe(true)
    const [value, printed] = fun.elements
    if (value === undefined) throw new Error('no fun came back')
    expect(formatTerm(value)).toBe(textOf(printed))
  })

  // Up to OTP 26 there was one zero among the keys of maps.
  if (release >= 27)
    it('is put in order as the node does it', async () => {
      const record = fc
        .tuple(fc.constantFrom('m', 'n'), fc.boolean(), fc.array(data, { maxLength: 2 }))
        .map(([name, exported, values]) => {
          const fields = values.map((value, i) => [atom(`f${i}`), value] as const)
          return new NativeRecord(atom('m'), atom(name), exported, fields)
        })
      const numbers = fc
        .tuple(fc.bigInt({ min: -(2n ** 1023n), max: 2n ** 1023n }), fc.nat({ max: 1023 }))
        .chain(([wide, shift]) => {
          const value = wide >> BigInt(shift)
          return fc.constantFrom<Term>(value, value + 1n, new Float(Number(value)))
        })
      const anything = fc.oneof(
        { arbitrary: data, weight: 4 },
        numbers,
        arbitraryPid,
        arbitraryPort,
        arbitraryReference,
        ...(release >= 29 ? [record] : []),
      )
      const near = fc.tuple(anything, anything, anything).chain(([a, b, c]) =>
        fc.constantFrom<[Term, Term]>(
          [b, c],
          [tuple(a, b), tuple(a, c)],
          [
            [a, b],
            [a, c],
          ],
          [map([[a, b]]), map([[a, c]])],
          [map([[b, a]]), map([[c, a]])],
          [map([[[b], 1]]), map([[[c], 1]])],
        ),
      )
      const alike = fc.tuple(numbers, fc.constantFrom(-1n, 0n, 1n)).chain(([a, step]) => {
        const value = typeof a === 'bigint' ? a : 0n
        const other = new Float(Number(value + step))
        return fc.constantFrom<[Term, Term]>(
          [value, other],
          [map([[value, 1]]), map([[other, 1]])],
          [map([[1, value]]), map([[1, other]])],
        )
      })
      const pairs = [
        ...fc.sample(near, { numRuns: 1000, seed }),
        ...fc.sample(alike, { numRuns: 500, seed }),
      ]
      const orders = await askEach(
        node,
        pairs.map(([a, b]) => tuple(a, b)),
        `case Term of
         {A, B} when A < B -> -1;
         {A, B} when A > B -> 1;
         {A, B} when A == B -> 0
       end`,
      )
      for (const [index, [a, b]] of pairs.entries()) {
        expect(compareTerms(a, b), formatTerm(tuple(a, b), { maxLength: 1000 })).toBe(orders[index])
      }
      expect(orders).toContain(0)
    })
})

/** The values that an expression has on the node, for each of the terms as `Term`. */
async function askEach(
  node: ErlangNode,
  terms: readonly Term[],
  expression: string,
): Promise<readonly Term[]> {
  const answers: Term[] = []
  for (let i = 0; i < terms.length; i += batchSize) {
    const batch = Buffer.from(encode(terms.slice(i, i + batchSize))).toString('base64')
    const answer = await node.evaluate(`
      Terms = binary_to_term(base64:decode(<<"${batch}">>)),
      base64:encode(term_to_binary([${expression} || Term <- Terms]))
    `)
    answers.push(...listOf(decode(Buffer.from(textOf(parseTerm(answer)), 'base64'))))
  }
  return answers
}

function listOf(term: Term | undefined): readonly Term[] {
  if (!isList(term)) throw new Error('no list came back')
  return term
}

function textOf(term: Term | undefined): string {
  if (!(term instanceof Uint8Array)) throw new Error('no binary came back')
  return Buffer.from(term).toString()
}
