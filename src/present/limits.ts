/**
 * The nodes that are beyond a limit of the user's.
 */
import type { Exceeded } from '../analysis/limits.ts'
import type { Integer } from '../analysis/snapshot.ts'
import { inUnit } from '../analysis/unit.ts'
import { formatPercentage, formatSize } from './figures.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import type { View } from './view.ts'

/** A section, if there is any such node. */
export function limitsText(
  exceeded: readonly Exceeded[],
  { paper, unit }: Pick<View, 'paper' | 'unit'>,
): readonly string[] {
  if (exceeded.length === 0) return []
  const size = (bytes: Integer): string => formatSize(inUnit(bytes, unit ?? 'byte'), unit)
  const sentence = ({ what, value, limit }: Exceeded): string => {
    switch (what) {
      case 'waste':
        return `wastes ${size(value)}, and ${size(limit)} at most are allowed`
      case 'resident':
        return `has ${size(value)} resident, and ${size(limit)} at most are allowed`
      case 'usage':
        return `uses ${formatPercentage(Number(value))} of what is allocated, and ${formatPercentage(Number(limit))} at least are wanted`
    }
  }
  const lines = exceeded.map(
    (it) => `- ${wrap(`${printable(it.node)} ${sentence(it)}`, paper.width - 2, '  ')}`,
  )
  return [[paper.colors.bold('Beyond the limits'), ...lines].join('\n')]
}
