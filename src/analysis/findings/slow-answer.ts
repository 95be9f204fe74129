/**
 * A node that took long to answer: each scheduler gives its part of the answer itself.
 */
import type { Examination, Finding } from '../finding.ts'
import { SLOW_ANSWER_REMEDIES } from '../remedies.ts'

export function slowAnswer({ snapshot, thresholds }: Examination): readonly Finding[] {
  const { duration, schedulers, schedulersOnline } = snapshot
  if (duration === undefined || duration < thresholds.slowAnswer) return []
  return [
    {
      id: 'slow-answer',
      severity: 'warning',
      allocator: undefined,
      summary:
        `The allocators took ${(duration / 1000).toFixed(1)} s to answer, where milliseconds are usual: ` +
        'a scheduler had other things to do, as a long NIF or far more work than it can do, or the ' +
        'network is slow. The figures are not of one moment then.',
      bytes: undefined,
      verdict: undefined,
      evidence: [
        {
          what: 'until the allocators had answered, the network included',
          value: Math.round(duration),
          unit: 'millisecond',
          source: 'measured on this side, erlang:system_info({allocator, …})',
        },
        {
          what: 'usual at most, on nodes under load',
          value: thresholds.slowAnswer,
          unit: 'millisecond',
          source: 'measured with 2 to 64 schedulers, and doubled',
        },
        ...(schedulers === undefined
          ? []
          : [
              {
                what: 'schedulers, each of which has to answer',
                value: schedulers,
                unit: 'count' as const,
                source: `erlang:system_info(schedulers), of which ${schedulersOnline ?? '?'} are online`,
              },
            ]),
      ],
      remedies: SLOW_ANSWER_REMEDIES,
    },
  ]
}
