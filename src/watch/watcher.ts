/**
 * Joins samples, keys and the screen: what comes in changes the model, and what the model shows is drawn.
 */
import { Timeline } from '../analysis/timeline.ts'
import type { Sampled } from '../cluster/sampler.ts'
import { messageOf } from '../errors.ts'
import { hintOf } from '../present/error-text.ts'
import { frameText, type Style } from './frame.ts'
import { type Command, commandsOf, type Key } from './keys.ts'
import { type Look, lookOf } from './look.ts'
import {
  type Model,
  type ModelOptions,
  type Size,
  shownNode,
  startModel,
  update,
  type WatchEvent,
} from './model.ts'
import type { Picture, Source } from './screen.tsx'

/** What keys do beyond the screen. */
export interface Deeds {
  /** Returns what to tell of it. */
  save(look: Look): Promise<string>
  redraw(): void
  suspend(): void
  quit(): void
  interrupt(): void
}

/** More moments than any terminal has columns for. */
const MAX_MOMENTS = 600

/** From one picture to the next, while samples come. Milliseconds: a picture takes more work than its sample. */
const DRAW_EVERY = 100

/** How long something is told. Milliseconds. */
const NOTICE_TIME = 10_000

export class Watcher implements Source {
  readonly #style: Style
  readonly #deeds: Deeds
  readonly #timelines = new Map<string, Timeline>()
  readonly #listeners = new Set<() => void>()
  #model: Model
  #picture: Picture | undefined
  #drawnAt = Number.NEGATIVE_INFINITY
  #drawing: NodeJS.Timeout | undefined

  constructor(options: ModelOptions, style: Style, deeds: Deeds) {
    this.#style = style
    this.#deeds = deeds
    this.#model = startModel(options)
  }

  readonly picture = (): Picture => {
    this.#picture ??= { size: this.#model.size, lines: frameText(this.#model, this.#style) }
    return this.#picture
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  take(sampled: Sampled): void {
    if (sampled.type === 'sample') {
      const look = lookOf(sampled)
      const timeline = this.#timelines.get(look.node) ?? new Timeline(MAX_MOMENTS)
      this.#timelines.set(look.node, timeline)
      timeline.add(look.moment)
      this.#changeSoon({ type: 'look', look, moments: [...timeline.moments] })
      return
    }
    const { node, time, error } = sampled
    const failure = { time, message: messageOf(error), hint: hintOf(error) }
    this.#changeSoon({ type: 'failure', node, failure })
  }

  resize(size: Size): void {
    this.#change({ type: 'size', size })
  }

  press(key: Key): void {
    for (const command of commandsOf(key)) {
      this.#change({ type: 'command', command })
      this.#do(command)
    }
  }

  #do({ type }: Command): void {
    switch (type) {
      case 'save':
        void this.#save()
        break
      case 'redraw':
      case 'suspend':
      case 'quit':
      case 'interrupt':
        this.#deeds[type]()
    }
  }

  async #save(): Promise<void> {
    const look = shownNode(this.#model)?.look
    if (look === undefined) {
      this.#tell('there is nothing to save yet', true)
      return
    }
    try {
      this.#tell(await this.#deeds.save(look), false)
    } catch (error) {
      this.#tell(messageOf(error), true)
    }
  }

  #tell(text: string, isError: boolean): void {
    const until = Date.now() + NOTICE_TIME
    this.#change({ type: 'notice', notice: { text, isError, until } })
  }

  /** Whoever pressed a key sees at once what it did. */
  #change(event: WatchEvent): void {
    this.#model = update(this.#model, event)
    this.#draw()
  }

  /** Many nodes that answer together make one picture. */
  #changeSoon(event: WatchEvent): void {
    this.#model = update(this.#model, event)
    const left = Math.max(0, this.#drawnAt + DRAW_EVERY - performance.now())
    this.#drawing ??= setTimeout(() => this.#draw(), left).unref()
  }

  #draw(): void {
    clearTimeout(this.#drawing)
    this.#drawing = undefined
    this.#drawnAt = performance.now()
    this.#picture = undefined
    for (const listener of this.#listeners) listener()
  }
}
