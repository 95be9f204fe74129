/**
 * By what allocators, and their instances, are put in order.
 */
import { compare } from '../analysis/integer.ts'
import { compareNames } from '../analysis/node-summary.ts'
import type { Row } from './look.ts'

/** The first is the default. */
export const WATCH_ORDERS = ['waste', 'allocated', 'usage', 'name'] as const

export type WatchOrder = (typeof WATCH_ORDERS)[number]

type Order = (left: Row, right: Row) => number

const ORDERS: Readonly<Record<WatchOrder, Order>> = {
  waste: (left, right) => compare(right.waste, left.waste),
  allocated: (left, right) => compare(right.allocated, left.allocated),
  usage: (left, right) => compare(left.usage, right.usage),
  name: (left, right) => compareNames(left.name, right.name),
}

/** The most waste, the most allocated, or the lowest usage first; what is equal in that is in order of names. */
export function inOrder<Item extends Row>(rows: readonly Item[], by: WatchOrder): readonly Item[] {
  const order = ORDERS[by]
  return [...rows].sort((left, right) => order(left, right) || ORDERS.name(left, right))
}
