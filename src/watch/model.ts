/**
 * What the screen shows, and how samples and keys change it: values alone, so that each step can be tested.
 */
import type { Moment } from '../analysis/timeline.ts'
import { UNITS, type Unit } from '../analysis/unit.ts'
import { farthestHelp } from './help.ts'
import type { Command } from './keys.ts'
import type { AllocatorRow, Look, Row } from './look.ts'
import { inOrder, WATCH_ORDERS, type WatchOrder } from './order.ts'

/** Why a node could not be asked. */
export interface Failure {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly message: string
  readonly hint: string | undefined
}

export interface WatchedNode {
  readonly name: string
  /** The last one; that of before, while the node fails. */
  readonly look: Look | undefined
  /** In order of time, up to that of the look. */
  readonly moments: readonly Moment[]
  /** Of the last question, if that failed. */
  readonly failure: Failure | undefined
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Between the title and the footer. */
export function bodyRows({ rows }: Size): number {
  return Math.max(0, rows - 2)
}

/** What is told instead of the keys, for a while. */
export interface Notice {
  readonly text: string
  readonly isError: boolean
  /** Milliseconds since 1970. */
  readonly until: number
}

export interface Model {
  /** Milliseconds between two samples. */
  readonly interval: number
  readonly size: Size
  readonly nodes: readonly WatchedNode[]
  /** As they were when the screen was frozen. */
  readonly frozen: readonly WatchedNode[] | undefined
  /** Which node is shown. */
  readonly selected: number
  /** The selected one; `undefined` is whichever stands first. */
  readonly allocator: string | undefined
  /** Of the selected allocator: which instance is selected, if they are shown. */
  readonly instance: number | undefined
  readonly sort: WatchOrder
  /** `undefined`: each size has its own. */
  readonly unit: Unit | undefined
  /** How far the help is scrolled, if it is shown. */
  readonly help: number | undefined
  readonly notice: Notice | undefined
}

export type WatchEvent =
  | { readonly type: 'look'; readonly look: Look; readonly moments: readonly Moment[] }
  | { readonly type: 'failure'; readonly node: string; readonly failure: Failure }
  | { readonly type: 'command'; readonly command: Command }
  | { readonly type: 'notice'; readonly notice: Notice }
  | { readonly type: 'size'; readonly size: Size }

export interface ModelOptions extends Pick<Model, 'interval' | 'size' | 'sort' | 'unit'> {
  readonly nodes: readonly string[]
}

export function startModel({ nodes, ...options }: ModelOptions): Model {
  return {
    ...options,
    nodes: nodes.map((name) => ({ name, look: undefined, moments: [], failure: undefined })),
    frozen: undefined,
    selected: 0,
    allocator: undefined,
    instance: undefined,
    help: undefined,
    notice: undefined,
  }
}

export function update(model: Model, event: WatchEvent): Model {
  switch (event.type) {
    case 'look': {
      const { look, moments } = event
      const failure = undefined
      return withNode(model, look.node, look.moment.time, () => ({ look, moments, failure }))
    }
    case 'failure': {
      const { failure } = event
      return withNode(model, event.node, failure.time, () => ({ failure }))
    }
    case 'command':
      // Whoever goes on has read it.
      return obey({ ...model, notice: undefined }, event.command)
    case 'notice':
      return { ...model, notice: event.notice }
    case 'size':
      return { ...model, size: event.size }
  }
}

function withNode(
  model: Model,
  name: string,
  time: number,
  change: () => Partial<WatchedNode>,
): Model {
  const { notice } = model
  return {
    ...model,
    notice: notice !== undefined && notice.until < time ? undefined : notice,
    nodes: model.nodes.map((node) => (node.name === name ? { ...node, ...change() } : node)),
  }
}

function obey(model: Model, command: Command): Model {
  const { frozen, help, instance, nodes, selected, sort, unit } = model
  switch (command.type) {
    case 'move':
      return move(model, command.rows)
    case 'switch-node':
      return onNode(model, (selected + command.by + nodes.length) % nodes.length)
    case 'choose-node':
      return command.index < nodes.length ? onNode(model, command.index) : model
    case 'open': {
      const allocator = selectedAllocator(model)
      if (help !== undefined || allocator === undefined) return { ...model, help: undefined }
      // The same key closes it.
      return {
        ...model,
        allocator: allocator.name,
        instance: instance === undefined ? 0 : undefined,
      }
    }
    case 'back':
      return help === undefined ? { ...model, instance: undefined } : { ...model, help: undefined }
    case 'sort':
      return { ...model, sort: WATCH_ORDERS[WATCH_ORDERS.indexOf(sort) + 1] ?? WATCH_ORDERS[0] }
    case 'unit':
      return { ...model, unit: UNITS[unit === undefined ? 0 : UNITS.indexOf(unit) + 1] }
    case 'freeze':
      return { ...model, frozen: frozen === undefined ? nodes : undefined }
    case 'help':
      return { ...model, help: help === undefined ? 0 : undefined }
    default:
      return model
  }
}

function onNode(model: Model, selected: number): Model {
  return { ...model, selected, instance: undefined, help: undefined }
}

function move(model: Model, rows: number): Model {
  const { help, instance, size } = model
  if (help !== undefined) {
    const last = farthestHelp(size.columns, bodyRows(size))
    return { ...model, help: clamp(Math.min(help, last) + rows, last) }
  }
  if (instance !== undefined) {
    const last = instanceRows(model).length - 1
    return { ...model, instance: clamp(instance + rows, last) }
  }
  const all = allocatorRows(model)
  const index = all.findIndex(({ name }) => name === selectedAllocator(model)?.name)
  return { ...model, allocator: all[clamp(index + rows, all.length - 1)]?.name }
}

function clamp(index: number, last: number): number {
  return Math.max(0, Math.min(index, last))
}

/** All nodes as the screen shows them, frozen or not. */
export function shownNodes({ nodes, frozen }: Model): readonly WatchedNode[] {
  return frozen ?? nodes
}

export function shownNode(model: Model): WatchedNode | undefined {
  return shownNodes(model)[model.selected]
}

/** Of the node that is shown, in the order that was chosen. */
export function allocatorRows(model: Model): readonly AllocatorRow[] {
  return inOrder(shownNode(model)?.look?.allocators ?? [], model.sort)
}

export function selectedAllocator(model: Model): AllocatorRow | undefined {
  const all = allocatorRows(model)
  return all.find(({ name }) => name === model.allocator) ?? all[0]
}

/** Of the selected allocator, in the order that was chosen. */
export function instanceRows(model: Model): readonly Row[] {
  return inOrder(selectedAllocator(model)?.instances ?? [], model.sort)
}
