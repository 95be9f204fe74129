/**
 * The settings that are in force, and where they are other than without any flag, for people.
 */

import { type AllocatorSettings, type Setting, settings } from '../analysis/settings.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import { NONE } from './figures.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import type { Rows } from './rows.ts'
import { instanceRanges, settingValue } from './setting-value.ts'
import { table } from './table.ts'
import { heading, type View } from './view.ts'

export function settingsText(snapshot: Snapshot, view: View, rows: Rows): string {
  const { colors, width } = view.paper
  const all = settings(snapshot).filter(rows.isWanted)
  const sections = SECTIONS.flatMap(({ title, names, of }) => {
    const wanted = all.filter(of)
    return wanted.length === 0 ? [] : [sectionText(title, names, wanted, view)]
  })
  const differing = all.flatMap((group) =>
    group.settings.filter(({ differs }) => differs).map((setting) => ({ group, setting })),
  )
  return [
    heading('Settings of the allocators', snapshot, view),
    ...sections,
    [
      colors.bold('Other than by default'),
      ...(differing.length === 0
        ? [wrap(isMeasured(all) ? NO_DIFFERENCE : NOT_MEASURED, width)]
        : [differencesTable(differing, view)]),
    ].join('\n'),
    [
      ...EXPLANATION.map((note) => wrap(note, width)),
      `${colors.cyan('Next:')} ${view.next('diagnose')}`,
    ].join('\n'),
  ].join('\n\n')
}

interface Section {
  readonly title: string
  readonly names: readonly string[]
  of(group: AllocatorSettings): boolean
}

const isUtil = ({ allocator }: AllocatorSettings): boolean =>
  !['mseg_alloc', 'sys_alloc', 'erts_mmap'].includes(allocator)

const SECTIONS: readonly Section[] = [
  {
    title: 'Multiblock carriers',
    names: ['as', 'acul', 'acful', 'lmbcs', 'smbcs', 'mmbcs'],
    of: isUtil,
  },
  {
    title: 'Single-block carriers, and blocks that shrink',
    names: ['sbct', 'mmsbc', 'asbcst', 'rsbcst', 'rsbcmt', 'rmbcmt'],
    of: isUtil,
  },
  {
    title: 'Segments',
    names: ['mcs', 'rmcbf', 'amcbf'],
    of: ({ allocator }) => allocator === 'mseg_alloc',
  },
  {
    title: 'malloc',
    names: ['m', 'tt', 'tp'],
    of: ({ allocator }) => allocator === 'sys_alloc',
  },
  {
    title: 'Mapping',
    names: ['scs'],
    of: ({ allocator }) => allocator === 'erts_mmap',
  },
]

function sectionText(
  title: string,
  names: readonly string[],
  groups: readonly AllocatorSettings[],
  { paper }: View,
): string {
  return [
    paper.colors.bold(title),
    table(
      [
        { title: 'allocator' },
        { title: 'instances' },
        ...names.map((name) => ({ title: name, align: 'right' as const })),
      ],
      groups.map(({ allocator, instances, settings: all }) => [
        printable(allocator),
        instanceRanges(instances),
        ...names.map((name) => cell(all.find((setting) => setting.name === name))),
      ]),
      paper,
    ),
  ].join('\n')
}

/** Stands behind a value that is other than the default. */
const MARK = '!'

function cell(setting: Setting | undefined): string {
  if (setting === undefined) return NONE
  return `${settingValue(setting.name, setting.value)}${setting.differs ? MARK : ''}`
}

function differencesTable(
  differing: readonly { readonly group: AllocatorSettings; readonly setting: Setting }[],
  { paper }: View,
): string {
  return table(
    [
      { title: 'allocator' },
      { title: 'instances' },
      { title: 'setting' },
      { title: 'now', align: 'right' },
      { title: 'by default', align: 'right' },
      { title: 'flag' },
    ],
    differing.map(({ group, setting }) => [
      printable(group.allocator),
      instanceRanges(group.instances),
      printable(setting.name),
      settingValue(setting.name, setting.value),
      settingValue(setting.name, setting.default),
      printable(setting.argument ?? NONE),
    ]),
    paper,
  )
}

function isMeasured(all: readonly AllocatorSettings[]): boolean {
  return all.some((group) => group.settings.some(({ differs }) => differs !== undefined))
}

const NO_DIFFERENCE = 'Nothing: every setting that the node told is as without any flag.'

const NOT_MEASURED =
  'Not known: the defaults of this release were not measured (those of OTP 23 to 29 were).'

const EXPLANATION = [
  `${MARK} marks what is other than on a node without any +M flag, of the same release and with as many ` +
    'schedulers. These are the settings in force, which may differ from the flags given: a strategy ' +
    'that cannot migrate carriers turns acul off, and an acul of 0 turns aoffcbf into bf.',
  'sbct can be changed on the running node, the others need a restart. A node does not tell +Musac, ' +
    '+Muycs, +Mummc and +Mumadtn. --json has every setting.',
]
