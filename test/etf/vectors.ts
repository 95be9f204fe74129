/**
 * One term in every tag, as bytes: what real nodes wrote (OTP 25, 27 and 29), and by the document the
 * few tags that no node writes any more.
 */
import {
  type Atom,
  atom,
  BitString,
  binary,
  ExportFun,
  Fun,
  float,
  ImproperList,
  map,
  NativeRecord,
  OldFun,
  Pid,
  Port,
  Reference,
  string,
  type Term,
  tuple,
} from '../../src/etf/index.ts'

export interface Vector {
  readonly name: string
  readonly bytes: Uint8Array
  readonly term: Term
  /**
   * What is written for the term where that is not the same again: as OTP 27 does, and a port of few
   * bits as OTP 25 does.
   */
  readonly rewritten?: Uint8Array
  readonly atomCacheRefs?: readonly Atom[]
}

function bytes(...parts: readonly (number | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])))
}

const a = atom('a')
const node = atom('x@localhost')

// biome-ignore format: one line for each field of a term
export const vectors: readonly Vector[] = [
  {
    name: 'RECORD_EXT, exported',
    bytes: bytes(
      131,
      /* RECORD_EXT */ 67, 0, 0, 0, 2, 1,
      /* SMALL_ATOM_UTF8_EXT r */ 119, 1, 114,
      /* SMALL_ATOM_UTF8_EXT point */ 119, 5, 112, 111, 105, 110, 116,
      /* SMALL_ATOM_UTF8_EXT x */ 119, 1, 120,
      /* SMALL_ATOM_UTF8_EXT y */ 119, 1, 121,
      /* SMALL_INTEGER_EXT */ 97, 7,
      /* SMALL_TUPLE_EXT */ 104, 2, /* SMALL_INTEGER_EXT */ 97, 1, /* SMALL_INTEGER_EXT */ 97, 2,
    ),
    term: new NativeRecord(atom('r'), atom('point'), true, [
      [atom('x'), 7],
      [atom('y'), tuple(1, 2)],
    ]),
  },
  {
    name: 'RECORD_EXT, not exported, without fields',
    bytes: bytes(
      131,
      /* RECORD_EXT */ 67, 0, 0, 0, 0, 0,
      /* SMALL_ATOM_UTF8_EXT r */ 119, 1, 114,
      /* SMALL_ATOM_UTF8_EXT point */ 119, 5, 112, 111, 105, 110, 116,
    ),
    term: new NativeRecord(atom('r'), atom('point'), false, []),
  },
  {
    name: 'NEW_FLOAT_EXT',
    bytes: bytes(131, /* NEW_FLOAT_EXT 1.5 */ 70, 63, 248, 0, 0, 0, 0, 0, 0),
    term: float(1.5),
  },
  {
    name: 'BIT_BINARY_EXT',
    bytes: bytes(131, /* BIT_BINARY_EXT <<1, 5:3>> */ 77, 0, 0, 0, 2, 3, 1, 0b101_00000),
    term: new BitString(Uint8Array.of(1, 0b101_00000), 3),
  },
  {
    name: 'COMPRESSED',
    bytes: bytes(
      131, /* COMPRESSED, 326 bytes */ 80, 0, 0, 1, 70,
      /* zlib */ 120, 156, 203, 97, 96, 96, 208, 200, 96, 42, 103, 202, 207, 78, 100, 28, 165, 201, 163,
      179, 0, 84, 122, 85, 215,
    ),
    term: Array.from({ length: 40 }, () => tuple(atom('ok'), 1)),
    rewritten: bytes(
      131,
      /* LIST_EXT */ 108, 0, 0, 0, 40,
      ...Array.from({ length: 40 }, () => bytes(
        /* SMALL_TUPLE_EXT */ 104, 2,
        /* SMALL_ATOM_UTF8_EXT ok */ 119, 2, 111, 107,
        /* SMALL_INTEGER_EXT */ 97, 1,
      )),
      /* NIL_EXT */ 106,
    ),
  },
  {
    name: 'ATOM_CACHE_REF',
    bytes: bytes(131, /* SMALL_TUPLE_EXT */ 104, 2, /* ATOM_CACHE_REF */ 82, 1, /* ATOM_CACHE_REF */ 82, 0),
    term: tuple(atom('ok'), a),
    rewritten: bytes(
      131,
      /* SMALL_TUPLE_EXT */ 104, 2,
      /* SMALL_ATOM_UTF8_EXT ok */ 119, 2, 111, 107,
      /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
    ),
    atomCacheRefs: [a, atom('ok')],
  },
  {
    name: 'NEW_PID_EXT',
    bytes: bytes(
      131,
      /* NEW_PID_EXT */ 88,
      /* SMALL_ATOM_UTF8_EXT */ 119, 11, 120, 64, 108, 111, 99, 97, 108, 104, 111, 115, 116,
      /* id */ 0, 0, 0, 10, /* serial */ 0, 0, 0, 0, /* creation */ 107, 2, 217, 229,
    ),
    term: new Pid(node, 10, 0, 0x6b02_d9e5),
  },
  {
    name: 'NEW_PORT_EXT',
    bytes: bytes(
      131, /* NEW_PORT_EXT */ 89, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* id */ 15, 255, 255, 255, /* creation */ 0, 0, 0, 3,
    ),
    term: new Port(a, 0xfff_ffff, 3),
  },
  {
    name: 'NEWER_REFERENCE_EXT of three words',
    bytes: bytes(
      131, /* NEWER_REFERENCE_EXT */ 90, 0, 3,
      /* SMALL_ATOM_UTF8_EXT */ 119, 13, 110, 111, 110, 111, 100, 101, 64, 110, 111, 104, 111, 115, 116,
      /* creation */ 0, 0, 0, 0, /* words */ 0, 2, 239, 68, 249, 192, 0, 1, 25, 83, 86, 13,
    ),
    term: new Reference(atom('nonode@nohost'), 0, [0x2_ef44, 0xf9c0_0001, 0x1953_560d]),
  },
  {
    name: 'NEWER_REFERENCE_EXT of five words, an alias',
    bytes: bytes(
      131, /* NEWER_REFERENCE_EXT */ 90, 0, 5,
      /* SMALL_ATOM_UTF8_EXT */ 119, 13, 110, 111, 110, 111, 100, 101, 64, 110, 111, 104, 111, 115, 116,
      /* creation */ 0, 0, 0, 0,
      /* words */ 0, 2, 239, 72, 249, 193, 0, 1, 25, 83, 86, 13, 0, 0, 5, 3, 0, 0, 0, 0,
    ),
    term: new Reference(atom('nonode@nohost'), 0, [0x2_ef48, 0xf9c1_0001, 0x1953_560d, 0x503, 0]),
  },
  {
    name: 'SMALL_INTEGER_EXT',
    bytes: bytes(131, /* SMALL_INTEGER_EXT */ 97, 255),
    term: 255,
  },
  {
    name: 'INTEGER_EXT',
    bytes: bytes(131, /* INTEGER_EXT */ 98, 255, 255, 255, 254),
    term: -2,
  },
  {
    name: 'FLOAT_EXT',
    bytes: bytes(
      131, /* FLOAT_EXT 1.50000000000000000000e+00 */ 99, 49, 46, 53, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48,
      48, 48, 48, 48, 48, 48, 48, 48, 48, 101, 43, 48, 48, 0, 0, 0, 0, 0,
    ),
    term: float(1.5),
    rewritten: bytes(131, /* NEW_FLOAT_EXT 1.5 */ 70, 63, 248, 0, 0, 0, 0, 0, 0),
  },
  {
    name: 'ATOM_EXT',
    bytes: bytes(131, /* ATOM_EXT é */ 100, 0, 1, 233),
    term: atom('é'),
    rewritten: bytes(131, /* SMALL_ATOM_UTF8_EXT é */ 119, 2, 195, 169),
  },
  {
    name: 'REFERENCE_EXT',
    bytes: bytes(
      131, /* REFERENCE_EXT */ 101, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* word */ 0, 0, 0, 1, /* creation */ 3,
    ),
    term: new Reference(a, 3, [1]),
    rewritten: bytes(
      131, /* NEWER_REFERENCE_EXT */ 90, 0, 1, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* creation */ 0, 0, 0, 3, /* word */ 0, 0, 0, 1,
    ),
  },
  {
    name: 'PORT_EXT',
    bytes: bytes(
      131, /* PORT_EXT */ 102, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* id */ 0, 0, 0, 1, /* creation */ 3,
    ),
    term: new Port(a, 1, 3),
    rewritten: bytes(
      131, /* NEW_PORT_EXT */ 89, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* id */ 0, 0, 0, 1, /* creation */ 0, 0, 0, 3,
    ),
  },
  {
    name: 'PID_EXT',
    bytes: bytes(
      131, /* PID_EXT */ 103, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* id */ 0, 0, 0, 1, /* serial */ 0, 0, 0, 2, /* creation */ 3,
    ),
    term: new Pid(a, 1, 2, 3),
    rewritten: bytes(
      131, /* NEW_PID_EXT */ 88, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* id */ 0, 0, 0, 1, /* serial */ 0, 0, 0, 2, /* creation */ 0, 0, 0, 3,
    ),
  },
  {
    name: 'SMALL_TUPLE_EXT',
    bytes: bytes(131, /* SMALL_TUPLE_EXT */ 104, 2, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97, /* SMALL_INTEGER_EXT */ 97, 1),
    term: tuple(a, 1),
  },
  {
    name: 'SMALL_TUPLE_EXT without elements',
    bytes: bytes(131, /* SMALL_TUPLE_EXT */ 104, 0),
    term: tuple(),
  },
  {
    name: 'LARGE_TUPLE_EXT',
    bytes: bytes(
      131, /* LARGE_TUPLE_EXT */ 105, 0, 0, 1, 0,
      ...Array.from({ length: 256 }, () => bytes(/* NIL_EXT */ 106)),
    ),
    term: tuple(...Array.from({ length: 256 }, () => [])),
  },
  {
    name: 'NIL_EXT',
    bytes: bytes(131, /* NIL_EXT */ 106),
    term: [],
  },
  {
    name: 'STRING_EXT',
    bytes: bytes(131, /* STRING_EXT */ 107, 0, 2, 97, 98),
    term: string('ab'),
  },
  {
    name: 'LIST_EXT',
    bytes: bytes(
      131,
      /* LIST_EXT */ 108, 0, 0, 0, 2,
      /* INTEGER_EXT */ 98, 0, 0, 1, 0,
      /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* NIL_EXT */ 106,
    ),
    term: [256, a],
  },
  {
    name: 'LIST_EXT, improper',
    bytes: bytes(
      131,
      /* LIST_EXT */ 108, 0, 0, 0, 2,
      /* SMALL_INTEGER_EXT */ 97, 1,
      /* SMALL_INTEGER_EXT */ 97, 2,
      /* SMALL_INTEGER_EXT */ 97, 3,
    ),
    term: new ImproperList([1, 2], 3),
  },
  {
    name: 'BINARY_EXT',
    bytes: bytes(131, /* BINARY_EXT */ 109, 0, 0, 0, 3, 97, 98, 99),
    term: binary('abc'),
  },
  {
    name: 'BINARY_EXT without bytes',
    bytes: bytes(131, /* BINARY_EXT */ 109, 0, 0, 0, 0),
    term: binary(''),
  },
  {
    name: 'SMALL_BIG_EXT',
    bytes: bytes(131, /* SMALL_BIG_EXT, negative */ 110, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    term: -(2n ** 64n),
  },
  {
    name: 'LARGE_BIG_EXT',
    bytes: bytes(131, /* LARGE_BIG_EXT */ 111, 0, 0, 1, 0, 0, new Uint8Array(255), 1),
    term: 2n ** 2040n,
  },
  {
    name: 'NEW_FUN_EXT',
    bytes: bytes(
      131, /* NEW_FUN_EXT */ 112, 0, 0, 0, 67, /* arity */ 1,
      /* uniq */ 167, 73, 241, 240, 114, 198, 213, 235, 200, 119, 74, 161, 153, 167, 247, 243,
      /* index */ 0, 0, 0, 0, /* free variables */ 0, 0, 0, 1,
      /* SMALL_ATOM_UTF8_EXT m */ 119, 1, 109,
      /* SMALL_INTEGER_EXT, old index */ 97, 0,
      /* INTEGER_EXT, old uniq */ 98, 5, 58, 79, 143,
      /* NEW_PID_EXT */ 88,
      /* SMALL_ATOM_UTF8_EXT */ 119, 11, 120, 64, 108, 111, 99, 97, 108, 104, 111, 115, 116,
      /* id */ 0, 0, 0, 0, /* serial */ 0, 0, 0, 0, /* creation */ 107, 2, 217, 229,
      /* SMALL_INTEGER_EXT */ 97, 7,
    ),
    term: new Fun({
      arity: 1,
      uniq: Uint8Array.of(167, 73, 241, 240, 114, 198, 213, 235, 200, 119, 74, 161, 153, 167, 247, 243),
      index: 0,
      module: atom('m'),
      oldIndex: 0,
      oldUniq: 0x53a_4f8f,
      pid: new Pid(node, 0, 0, 0x6b02_d9e5),
      freeVariables: [7],
    }),
  },
  {
    name: 'EXPORT_EXT',
    bytes: bytes(
      131, /* EXPORT_EXT */ 113,
      /* SMALL_ATOM_UTF8_EXT lists */ 119, 5, 108, 105, 115, 116, 115,
      /* SMALL_ATOM_UTF8_EXT map */ 119, 3, 109, 97, 112,
      /* SMALL_INTEGER_EXT */ 97, 2,
    ),
    term: new ExportFun(atom('lists'), atom('map'), 2),
  },
  {
    name: 'NEW_REFERENCE_EXT',
    bytes: bytes(
      131, /* NEW_REFERENCE_EXT */ 114, 0, 2, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* creation */ 3, /* words */ 0, 0, 0, 1, 0, 0, 0, 2,
    ),
    term: new Reference(a, 3, [1, 2]),
    rewritten: bytes(
      131, /* NEWER_REFERENCE_EXT */ 90, 0, 2, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* creation */ 0, 0, 0, 3, /* words */ 0, 0, 0, 1, 0, 0, 0, 2,
    ),
  },
  {
    name: 'SMALL_ATOM_EXT',
    bytes: bytes(131, /* SMALL_ATOM_EXT é */ 115, 1, 233),
    term: atom('é'),
    rewritten: bytes(131, /* SMALL_ATOM_UTF8_EXT é */ 119, 2, 195, 169),
  },
  {
    name: 'MAP_EXT',
    bytes: bytes(
      131,
      /* MAP_EXT */ 116, 0, 0, 0, 3,
      /* SMALL_INTEGER_EXT */ 97, 1, /* SMALL_ATOM_UTF8_EXT b */ 119, 1, 98,
      /* NEW_FLOAT_EXT 1.0 */ 70, 63, 240, 0, 0, 0, 0, 0, 0, /* SMALL_ATOM_UTF8_EXT c */ 119, 1, 99,
      /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97, /* SMALL_INTEGER_EXT */ 97, 1,
    ),
    term: map([
      [1, atom('b')],
      [float(1), atom('c')],
      [a, 1],
    ]),
  },
  {
    name: 'FUN_EXT',
    bytes: bytes(
      131, /* FUN_EXT */ 117, /* free variables */ 0, 0, 0, 1,
      /* PID_EXT */ 103, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* id */ 0, 0, 0, 1, /* serial */ 0, 0, 0, 2, /* creation */ 3,
      /* SMALL_ATOM_UTF8_EXT m */ 119, 1, 109,
      /* SMALL_INTEGER_EXT, index */ 97, 1,
      /* INTEGER_EXT, uniq */ 98, 0, 0, 1, 0,
      /* SMALL_INTEGER_EXT */ 97, 7,
    ),
    term: new OldFun(new Pid(a, 1, 2, 3), atom('m'), 1, 256, [7]),
    rewritten: bytes(
      131, /* FUN_EXT */ 117, /* free variables */ 0, 0, 0, 1,
      /* NEW_PID_EXT */ 88, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* id */ 0, 0, 0, 1, /* serial */ 0, 0, 0, 2, /* creation */ 0, 0, 0, 3,
      /* SMALL_ATOM_UTF8_EXT m */ 119, 1, 109,
      /* SMALL_INTEGER_EXT, index */ 97, 1,
      /* INTEGER_EXT, uniq */ 98, 0, 0, 1, 0,
      /* SMALL_INTEGER_EXT */ 97, 7,
    ),
  },
  {
    name: 'ATOM_UTF8_EXT of 256 bytes',
    bytes: bytes(131, /* ATOM_UTF8_EXT */ 118, 1, 0, binary('é'.repeat(128))),
    term: atom('é'.repeat(128)),
  },
  {
    name: 'ATOM_UTF8_EXT of 2 bytes',
    bytes: bytes(131, /* ATOM_UTF8_EXT é */ 118, 0, 2, 195, 169),
    term: atom('é'),
    rewritten: bytes(131, /* SMALL_ATOM_UTF8_EXT é */ 119, 2, 195, 169),
  },
  {
    name: 'SMALL_ATOM_UTF8_EXT',
    bytes: bytes(131, /* SMALL_ATOM_UTF8_EXT € */ 119, 3, 226, 130, 172),
    term: atom('€'),
  },
  {
    name: 'SMALL_ATOM_UTF8_EXT without characters',
    bytes: bytes(131, /* SMALL_ATOM_UTF8_EXT */ 119, 0),
    term: atom(''),
  },
  {
    name: 'V4_PORT_EXT',
    bytes: bytes(
      131, /* V4_PORT_EXT */ 120, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97,
      /* id */ 128, 0, 0, 1, 0, 0, 0, 1, /* creation */ 0, 0, 0, 3,
    ),
    term: new Port(a, 0x8000_0001_0000_0001n, 3),
  },
]

/**
 * `term_to_binary([{a,1}], [local])` of OTP 29. It stands apart because its end cannot be seen: what
 * follows belongs to it.
 */
// biome-ignore format: one line for each field of a term
export const localVector: Uint8Array = bytes(
  131, /* LOCAL_EXT */ 121, /* hash */ 37, 113, 168, 241,
  /* LIST_EXT */ 108, 0, 0, 0, 1,
  /* SMALL_TUPLE_EXT */ 104, 2, /* SMALL_ATOM_UTF8_EXT a */ 119, 1, 97, /* SMALL_INTEGER_EXT */ 97, 1,
  /* NIL_EXT */ 106,
)

/** The same of sixty such tuples, with `compressed`. */
// biome-ignore format: one line for each field of a term
export const compressedLocalVector: Uint8Array = bytes(
  131, /* COMPRESSED, 431 bytes */ 80, 0, 0, 1, 175,
  /* zlib */ 120, 156, 171, 188, 40, 116, 170, 37, 135, 129, 129, 193, 38, 131, 169, 156, 49, 49, 145,
  113, 148, 26, 196, 84, 22, 0, 58, 203, 102, 105,
)
