/**
 * One chart over time: drawn by uPlot, read by pointer or by keys.
 */
import uPlot from 'uplot'
import { formatSize, NONE } from '../present/figures.ts'
import type { ChartData } from './data.ts'

const HEIGHT = 260

/** Powers of two, so that the axis counts in round binary units. */
const SIZES = Array.from({ length: 54 }, (_, exponent) => 2 ** exponent)

/** Lines differ in this as well as in colour. */
const DASHES: readonly (readonly number[])[] = [[], [9, 4], [2, 3], [12, 3, 2, 3]]

export class Chart {
  readonly #figure: HTMLElement
  readonly #plot: uPlot
  #data: ChartData
  /** Of what is told: under the cursor, else the last. */
  #index: number | undefined
  readonly #observer: ResizeObserver

  /** `pointed` is told what moment the reader looks at, or that it is none any more. */
  constructor(
    figure: HTMLElement,
    host: HTMLElement,
    data: ChartData,
    pointed: (chart: Chart, index: number | undefined) => void,
  ) {
    this.#figure = figure
    this.#data = data
    const line = (name: string): string =>
      getComputedStyle(figure).getPropertyValue(name).trim() || 'currentColor'
    const axis = {
      stroke: () => line('--soft'),
      grid: { stroke: () => line('--rule'), width: 1 },
      ticks: { stroke: () => line('--rule'), width: 1 },
      font: '12px system-ui, sans-serif',
    }
    this.#plot = new uPlot(
      {
        width: Math.max(200, host.clientWidth),
        height: HEIGHT,
        ms: 1,
        tzDate: (time) => uPlot.tzDate(new Date(time), 'Etc/UTC'),
        legend: { show: false },
        // On the right there is room for half of the last time.
        padding: [12, 40, 0, 0],
        cursor: { y: false, points: { size: 7 } },
        scales: { y: { range: (_, __, highest) => [0, this.#top(highest)] } },
        axes: [
          {
            ...axis,
            size: 34,
            space: 90,
            values: (plot, times) => unrepeated(times.map((time) => clock(time, plot))),
          },
          {
            ...axis,
            size: 76,
            incrs: SIZES,
            values: (_, sizes) => sizes.map((bytes) => formatSize(bytes)),
          },
        ],
        series: [
          {},
          ...data.series.map(({ name }, index) => ({
            label: name,
            stroke: () => line(`--series-${index}`),
            width: 2,
            dash: [...(DASHES[index] ?? [])],
            points: { show: false },
          })),
        ],
        hooks: {
          draw: [(plot) => this.#drawMarks(plot, line)],
          setCursor: [
            ({ cursor: { idx, left = -1 } }) => {
              const index = left < 0 ? undefined : (idx ?? undefined)
              if (index === this.#index) return
              this.#tell(index)
              pointed(this, index)
            },
          ],
        },
      },
      aligned(data),
      host,
    )
    this.#listen()
    this.#tell(undefined)
    this.#observer = new ResizeObserver(() => {
      this.#plot.setSize({ width: Math.max(200, host.clientWidth), height: HEIGHT })
    })
    this.#observer.observe(host)
  }

  /** Shows the moment of that index, as if the reader pointed at it. */
  point(index: number | undefined): void {
    if (index === this.#index) return
    const time = index === undefined ? undefined : this.#data.times[index]
    const left = time === undefined ? -10 : this.#plot.valToPos(time, 'x')
    this.#tell(index)
    this.#plot.setCursor({ left, top: left < 0 ? -10 : 1 })
  }

  /** Draws other figures of the same series. */
  update(data: ChartData): void {
    const { scales } = this.#plot
    const [first] = this.#data.times
    const isZoomed = scales.x?.min !== first || scales.x?.max !== this.#data.times.at(-1)
    this.#data = data
    const { min, max } = scales.x ?? {}
    this.#plot.batch(() => {
      this.#plot.setData(aligned(data), !isZoomed)
      if (isZoomed && min != null && max != null) this.#plot.setScale('x', { min, max })
    })
    data.series.forEach((_, index) => {
      this.#show(index, this.#isPressed(index))
    })
    this.#tell(this.#index)
  }

  /** In the colours of the page as they are now. */
  redraw(): void {
    this.#plot.redraw()
  }

  /** Whether it can draw these figures: of the same series. */
  isFor(data: ChartData): boolean {
    const names = (chart: ChartData): string => chart.series.map(({ name }) => name).join()
    return names(data) === names(this.#data)
  }

  remove(): void {
    this.#observer.disconnect()
    this.#plot.destroy()
  }

  #top(highest: number): number {
    return Math.max(1, highest, this.#data.limit?.bytes ?? 0) * 1.05
  }

  #listen(): void {
    const { over } = this.#plot
    over.tabIndex = 0
    over.setAttribute('role', 'slider')
    over.setAttribute('aria-label', `${this.#data.title}: moment`)
    over.setAttribute('aria-valuemin', '0')
    over.addEventListener('keydown', (event) => {
      const index = this.#indexAfter(event.key)
      if (index === 'none') {
        this.#plot.setCursor({ left: -10, top: -10 })
      } else if (index === undefined) {
        return
      } else {
        const time = this.#data.times[index] ?? 0
        this.#plot.setCursor({ left: this.#plot.valToPos(time, 'x'), top: 1 })
      }
      event.preventDefault()
    })
    this.#figure.addEventListener('click', ({ target }) => {
      const key = target instanceof Element ? target.closest('.key') : null
      if (!(key instanceof HTMLElement)) return
      const isShown = key.getAttribute('aria-pressed') !== 'true'
      key.setAttribute('aria-pressed', String(isShown))
      this.#show(Number(key.dataset.series), isShown)
    })
  }

  #indexAfter(key: string): number | 'none' | undefined {
    const last = this.#data.times.length - 1
    const now = this.#index ?? last
    const page = Math.max(1, Math.round(last / 10))
    const within = (index: number): number => Math.min(last, Math.max(0, index))
    switch (key) {
      case 'ArrowRight':
      case 'ArrowUp':
        return within(this.#index === undefined ? last : now + 1)
      case 'ArrowLeft':
      case 'ArrowDown':
        return within(now - 1)
      case 'PageUp':
        return within(now + page)
      case 'PageDown':
        return within(now - page)
      case 'Home':
        return 0
      case 'End':
        return last
      case 'Escape':
        return 'none'
      default:
        return undefined
    }
  }

  #isPressed(index: number): boolean {
    return this.#key(index)?.getAttribute('aria-pressed') !== 'false'
  }

  #key(index: number): Element | null {
    return this.#figure.querySelector(`.key[data-series="${index}"]`)
  }

  #show(index: number, isShown: boolean): void {
    if (this.#plot.series[index + 1]?.show !== isShown) {
      this.#plot.setSeries(index + 1, { show: isShown })
    }
  }

  /** In the keys, and to whoever hears the page. */
  #tell(index: number | undefined): void {
    this.#index = index
    const { times, series } = this.#data
    const told = index ?? times.length - 1
    const time = times[told]
    const when = time === undefined ? '' : dateAndTime(time)
    const values = series.map(({ name, values }, each) => {
      const bytes = values[told] ?? null
      const text = bytes === null ? NONE : formatSize(bytes)
      const place = this.#key(each)?.querySelector('.value')
      if (place) place.textContent = text
      return `${name} ${text}`
    })
    const { over } = this.#plot
    over.setAttribute('aria-valuemax', String(times.length - 1))
    over.setAttribute('aria-valuenow', String(told))
    over.setAttribute('aria-valuetext', `${when}: ${values.join(', ')}`)
    const readout = this.#figure.querySelector('.readout')
    if (readout) readout.textContent = `${index === undefined ? 'Last: ' : ''}${when} UTC`
  }

  #drawMarks({ ctx, bbox, valToPos }: uPlot, line: (name: string) => string): void {
    const { marks, limit } = this.#data
    ctx.save()
    ctx.lineWidth = devicePixelRatio
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`
    // As the axes leave it, text would end where it is to begin.
    ctx.textAlign = 'left'
    ctx.textBaseline = 'alphabetic'
    ctx.strokeStyle = line('--soft')
    ctx.fillStyle = line('--ink')
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio])
    for (const [index, { time }] of marks.entries()) {
      const x = Math.round(valToPos(time, 'x', true))
      if (x < bbox.left || x > bbox.left + bbox.width) continue
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      ctx.fillText(`${index + 1}`, x + 5 * devicePixelRatio, bbox.top + bbox.height / 2)
    }
    if (limit !== null) {
      const y = Math.round(valToPos(limit.bytes, 'y', true))
      ctx.strokeStyle = line('--bad')
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio])
      ctx.beginPath()
      ctx.moveTo(bbox.left, y)
      ctx.lineTo(bbox.left + bbox.width, y)
      ctx.stroke()
      ctx.fillText(limit.label, bbox.left + 6 * devicePixelRatio, y - 5 * devicePixelRatio)
    }
    ctx.restore()
  }
}

function aligned({ times, series }: ChartData): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])]
}

const DAY = 24 * 60 * 60 * 1000

function clock(time: number, { scales }: uPlot): string {
  const iso = new Date(time).toISOString()
  const range = (scales.x?.max ?? 0) - (scales.x?.min ?? 0)
  if (range > DAY * 1.1) return iso.slice(5, 16).replace('T', ' ')
  return range > 600_000 ? iso.slice(11, 16) : iso.slice(11, 19)
}

/** Within a second all times read alike; one says it for all. */
function unrepeated(labels: readonly string[]): string[] {
  return labels.map((label, index) => (label === labels[index - 1] ? '' : label))
}

function dateAndTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ')
}
