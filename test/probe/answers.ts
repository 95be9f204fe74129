/**
 * Answers of `erlang:system_info({allocator, Alloc})`, put together by hand.
 */
import { atom, type Term, tuple } from '../../src/etf/index.ts'

type Integer = number | bigint

/** Current, maximum since last asked, maximum ever; one figure for all three. */
export type Figures = Integer | readonly [current: Integer, lastMax: Integer, max: Integer]

function counter(name: string, figures: Figures): Term {
  const all = typeof figures === 'object' ? figures : [figures, figures, figures]
  return tuple(atom(name), ...all)
}

export interface CarriersFigures {
  /** By the allocator whose blocks they are. */
  readonly blocks?: Readonly<Record<string, { readonly count: Figures; readonly size: Figures }>>
  readonly carriers?: Figures
  readonly carriersSize?: Figures
}

/** The value of `mbcs` or `sbcs`, as OTP 23 and later give it. */
export function carriers(figures: CarriersFigures = {}): readonly Term[] {
  return [
    tuple(
      atom('blocks'),
      Object.entries(figures.blocks ?? {}).map(([type, { count, size }]) =>
        tuple(atom(type), [counter('count', count), counter('size', size)]),
      ),
    ),
    counter('carriers', figures.carriers ?? 0),
    tuple(atom('mseg_alloc_carriers'), 0),
    tuple(atom('sys_alloc_carriers'), 1),
    counter('carriers_size', figures.carriersSize ?? 0),
    tuple(atom('mseg_alloc_carriers_size'), 0),
    tuple(atom('sys_alloc_carriers_size'), 65_536),
  ]
}

export interface PoolFigures {
  readonly blocks?: Readonly<Record<string, { readonly count: Integer; readonly size: Integer }>>
  readonly carriers?: Integer
  readonly carriersSize?: Integer
}

/** The value of `mbcs_pool`, as OTP 23 and later give it. */
export function pool(figures: PoolFigures = {}): readonly Term[] {
  return [
    tuple(
      atom('blocks'),
      Object.entries(figures.blocks ?? {}).map(([type, { count, size }]) =>
        tuple(atom(type), [tuple(atom('count'), count), tuple(atom('size'), size)]),
      ),
    ),
    tuple(atom('carriers'), figures.carriers ?? 0),
    tuple(atom('carriers_size'), figures.carriersSize ?? 0),
    tuple(atom('fetch'), 0, 0),
    tuple(atom('fail_pooled'), 0, 0),
  ]
}

/** `{instance, N, Properties}`, the properties in the order given. */
export function instance(number: number, properties: Readonly<Record<string, Term>>): Term {
  return tuple(
    atom('instance'),
    number,
    Object.entries(properties).map(([name, value]) => tuple(atom(name), value)),
  )
}

/** An instance with options, both kinds of carriers, and calls. */
export function utilInstance(
  number: number,
  parts: {
    readonly mbcs?: CarriersFigures
    readonly sbcs?: CarriersFigures
    readonly mbcsPool?: PoolFigures
  } = {},
): Term {
  return instance(number, {
    options: [tuple(atom('e'), atom('true')), tuple(atom('sbct'), 524_288)],
    mbcs: carriers(parts.mbcs),
    ...(parts.mbcsPool === undefined ? {} : { mbcs_pool: pool(parts.mbcsPool) }),
    sbcs: carriers(parts.sbcs),
    calls: [tuple(atom('mseg_alloc'), 0, 0)],
  })
}

export interface KindFigures {
  readonly name?: string
  readonly cacheHits?: Integer
  readonly giga?: Integer
  readonly calls?: Integer
  readonly segmentsSize?: Figures
  readonly watermark?: Integer
}

/** The value of `memkind`. */
export function memoryKind(figures: KindFigures = {}): readonly Term[] {
  return [
    tuple(
      atom('name'),
      Array.from(figures.name ?? 'all memory', (c) => c.charCodeAt(0)),
    ),
    tuple(atom('status'), [
      tuple(atom('cached_segments'), 3),
      tuple(atom('cache_hits'), figures.cacheHits ?? 0),
      counter('segments', 1),
      tuple(atom('segments_watermark'), figures.watermark ?? 1),
      counter('segments_size', figures.segmentsSize ?? 0),
    ]),
    tuple(atom('calls'), [
      tuple(atom('mseg_alloc'), figures.giga ?? 0, figures.calls ?? 0),
      tuple(atom('mseg_dealloc'), 0, 0),
    ]),
  ]
}

/** An instance of `mseg_alloc` with any number of kinds of memory. */
export function msegInstance(number: number, kinds: readonly KindFigures[]): Term {
  return tuple(atom('instance'), number, [
    tuple(atom('version'), [0x30, 0x2e, 0x39]),
    tuple(atom('options'), [tuple(atom('mcs'), 10)]),
    ...kinds.map((kind) => tuple(atom('memkind'), memoryKind(kind))),
  ])
}

/** `{Alloc, Answer}`. */
export function answer(allocator: string, value: Term): Term {
  return tuple(atom(allocator), value)
}
