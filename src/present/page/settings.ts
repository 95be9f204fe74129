/**
 * The settings in force, and which of them are other than without any flag.
 */
import { type AllocatorSettings, type Setting, settings } from '../../analysis/settings.ts'
import { NONE } from '../figures.ts'
import { instanceRanges, settingValue } from '../setting-value.ts'
import { type Content, html } from './html.ts'
import type { NodePage } from './node-page.ts'
import { figure, type Section, tableHtml, text, unfolded } from './sections.ts'

export function settingsSection({ snapshot }: NodePage): Section {
  const all = settings(snapshot)
  const differing = all.flatMap((group) =>
    group.settings.filter(({ differs }) => differs).map((setting) => ({ group, setting })),
  )
  const isMeasured = all.some((group) =>
    group.settings.some(({ differs }) => differs !== undefined),
  )
  return {
    id: 'settings',
    title: 'Settings',
    body: html`<p>What is in force, which may be other than what the flags ask for. Those of ${
      snapshot.otpRelease === undefined ? 'the release' : `OTP ${snapshot.otpRelease}`
    } without any flag are the measure.</p>
${
  differing.length === 0
    ? html`<p>${
        isMeasured
          ? 'Every setting that the node told is as without any flag.'
          : 'What differs is not known: the defaults of this release were not measured (those of OTP 23 to 29 were).'
      }</p>`
    : tableHtml(
        'Other than by default',
        [
          text('allocator'),
          text('instances'),
          text('setting'),
          figure('now'),
          figure('by default'),
          text('flag'),
        ],
        differing.map(({ group, setting }) => [
          group.allocator,
          instanceRanges(group.instances),
          setting.name,
          settingValue(setting.name, setting.value),
          settingValue(setting.name, setting.default),
          flagCell(setting),
        ]),
      )
}
${all.length === 0 ? undefined : unfolded('all settings', 'All settings by allocator', all.map(groupHtml))}`,
  }
}

function groupHtml({ allocator, instances, settings: all }: AllocatorSettings): Content {
  const ranges = instanceRanges(instances)
  const title = `${allocator}, ${instances.length === 1 ? 'instance' : 'instances'} ${ranges}`
  return tableHtml(
    title,
    [text('setting'), figure('now'), figure('by default'), text('flag')],
    all.map((setting) => [
      setting.differs ? html`<strong>${setting.name}</strong>` : setting.name,
      settingValue(setting.name, setting.value),
      settingValue(setting.name, setting.default),
      flagCell(setting),
    ]),
  )
}

function flagCell({ argument }: Setting): Content {
  return argument === undefined ? NONE : html`<code>${argument}</code>`
}
