/**
 * Which rows of a table the user wants.
 */
import type { Rows } from '../present/rows.ts'
import type { AllocatorOptions, RowOptions } from './options.ts'

export function rowsOf({ all, allocator }: AllocatorOptions & RowOptions): Rows {
  return {
    all: all === true,
    isWanted: (row) => allocator === undefined || row.allocator === allocator,
  }
}
