/**
 * The live page of the nodes that are served.
 */
import type { Json } from '../analysis/json.ts'
import {
  type NodePage,
  type PageAssets,
  pageData,
  pageHtml,
  sectionsHtml,
} from '../present/page/page.ts'
import type { Observations, ObservedNode } from './observations.ts'

export interface PageSettings {
  readonly assets: PageAssets
  /** Of beamscope. */
  readonly version: string
  /** The command line that asks a node another question. */
  next(command: string, node: string): string
}

/** Relative, so that a proxy may serve it below a path of its own. */
const EVENTS_PATH = 'events'

export class Page {
  readonly #observations: Observations
  readonly #settings: PageSettings

  constructor(observations: Observations, settings: PageSettings) {
    this.#observations = observations
    this.#settings = settings
  }

  /** The whole of it. */
  html(node: ObservedNode): string {
    const { assets, version } = this.#settings
    const page = this.#nodePage(node)
    return pageHtml({
      title: `${node.node} - beamscope`,
      nodes: page === undefined ? [] : [page],
      madeAt: new Date().toISOString(),
      version,
      assets,
      live: {
        nodes: this.#observations.nodes.map((it) => it.node),
        selected: node.node,
        eventsPath: EVENTS_PATH,
      },
    })
  }

  /** What is replaced when the node has answered; `undefined` before its first answer. */
  update(node: ObservedNode): { readonly html: string; readonly data: Json } | undefined {
    const page = this.#nodePage(node)
    return page && { html: sectionsHtml(page), data: pageData(page) }
  }

  #nodePage({ last, node }: ObservedNode): NodePage | undefined {
    if (last === undefined) return undefined
    const { diagnosis, moments, snapshot } = last
    return {
      label: node,
      snapshot,
      diagnosis,
      moments,
      next: (command) => this.#settings.next(command, node),
    }
  }
}
