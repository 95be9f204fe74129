/** How the holders of memory read; who they are is the probe's affair. */
import { expect, it } from 'vitest'
import { holdersText } from '../../src/present/holders.ts'
import { paperOf } from '../../src/present/paper.ts'
import type { View } from '../../src/present/view.ts'
import { binaryHolder, holders, holdingProcess } from '../analysis/made-holders.ts'

const MiB = 2 ** 20

function view(columns: number, unit?: View['unit']): View {
  return {
    paper: paperOf({ isTTY: true, columns }, { NO_COLOR: '1' }),
    unit,
    keyword: undefined,
    label: 'rabbit@myhost',
    next: (command) => `beamscope ${command} rabbit@myhost`,
  }
}

const unnamed = { pid: '<0.30123.5>', registeredName: undefined }

const some = holders({
  processes: { total: 200_000, lookedAt: 120_000 },
  binaryProcesses: { total: 200_000, lookedAt: 90_000 },
  tables: { total: 1200, lookedAt: 1200 },
  largestProcesses: [
    holdingProcess({ memory: 150 * MiB, messageQueueLen: 70_000 }),
    holdingProcess({ ...unnamed, memory: 2 * MiB, messageQueueLen: undefined }),
    holdingProcess({ ...unnamed, initialCall: undefined, currentFunction: undefined }),
    holdingProcess({
      initialCall: 'a:b/1',
      currentFunction: `${'long_module_name'.repeat(3)}:f/1`,
    }),
  ],
  binaryHolders: [
    binaryHolder(95 * MiB),
    binaryHolder(80 * MiB, {
      ...unnamed,
      isEstimate: true,
      alone: undefined,
      binaries: undefined,
    }),
  ],
  largestTables: [
    {
      name: 'sessions',
      type: 'ordered_set',
      protection: 'private',
      owner: '<0.400.0>',
      rows: 50_000,
      bytes: 18 * MiB,
    },
  ],
  missing: [{ what: 'some processes', why: 'the function failed with badarg' }],
})

it.each([80, 120])('read as expected on %d columns', async (columns) => {
  const text = holdersText(some, view(columns))
  expect(text.split('\n').filter(({ length }) => length > columns)).toEqual([])
  await expect(text).toMatchFileSnapshot(`expected/holders-${columns}.txt`)
})

it('say nothing of what there is none of', () => {
  const text = holdersText(holders(), view(80))
  expect(text).toContain(
    'Looked at 100 of 100 processes, and at 5 of 5 tables, one after the other.',
  )
  expect(text).not.toMatch(/random|Largest|Binaries, by|≈|Not looked at/)
})

it('are in the unit that was chosen', () => {
  expect(holdersText(some, view(80, 'megabyte'))).toMatch(/^ +95\.000 +95\.000 +1,000 /m)
})

it('let no escape sequence of a node through', () => {
  const evil = '\u001b[2J'
  const text = holdersText(
    holders({
      largestProcesses: [holdingProcess({ registeredName: evil, currentFunction: evil })],
      binaryHolders: [binaryHolder(1, { registeredName: evil })],
      largestTables: [
        { name: evil, type: evil, protection: evil, owner: '<0.1.0>', rows: 1, bytes: 1 },
      ],
      missing: [{ what: evil, why: evil }],
    }),
    view(80),
  )
  expect(text).not.toContain('\u001b')
})
