/**
 * All charts of the page: they show the same moment.
 */
import { Chart } from './chart.ts'
import type { PageData } from './data.ts'

export class Charts {
  readonly #charts = new Map<string, Chart>()

  constructor() {
    const redraw = (): void => {
      for (const chart of this.#charts.values()) chart.redraw()
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)
  }

  /** Draws what stands in the page now, of these figures. */
  show({ charts }: PageData): void {
    const wanted = new Map(charts.map((data) => [data.id, data]))
    for (const [id, chart] of this.#charts) {
      const data = wanted.get(id)
      const isThere = document.querySelector(`[data-chart="${id}"] .plot .uplot`) !== null
      if (data !== undefined && isThere && chart.isFor(data)) {
        chart.update(data)
      } else {
        chart.remove()
        this.#charts.delete(id)
      }
    }
    for (const [id, data] of wanted) {
      const figure = document.querySelector<HTMLElement>(`[data-chart="${id}"]`)
      const host = figure?.querySelector<HTMLElement>('.plot')
      if (!figure || !host || this.#charts.has(id)) continue
      const chart = new Chart(figure, host, data, (source, index) => {
        for (const other of this.#charts.values()) if (other !== source) other.point(index)
      })
      this.#charts.set(id, chart)
    }
  }
}
