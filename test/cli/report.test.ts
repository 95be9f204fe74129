/** `beamscope report`; `npm test` builds first what stands in every page. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRecording } from '../../src/history/recording-writer.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { binarySpikeFile, startReplayNode } from '../../src/replay/start-replay-node.ts'
import { parseMarkup } from '../present/page/markup.ts'
import { runCli } from './run-cli.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-report-'))
})
afterAll(() => rm(folder, { recursive: true }))

const file = (name: string): string => join(folder, name)

describe('beamscope report', () => {
  it('writes a whole page into a file, says what it is, and where to open it', async () => {
    const argv = ['report', '--snapshot', binarySpikeFile, '-o', file('a.html')]
    const { code, stdout, stderr } = await runCli(argv, { columns: 100 })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    const bytes = await readFile(file('a.html'))
    expect(stderr).toBe(
      `${file('a.html')}: ${bytes.length} bytes, fragmented\nNext: open file://${file('a.html')} in a browser\n`,
    )
    const html = bytes.toString()
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(html).toMatch(/<\/html>\n$/)
    const { text } = parseMarkup(html)
    expect(text).toContain(`beamscope report --snapshot ${binarySpikeFile} -o report.html`)
    expect(bytes.length).toBeLessThan(400_000)
    expect((await readdir(folder)).filter((name) => name.includes('.tmp'))).toEqual([])
  })

  it('does not overwrite a file, unless it is told to', async () => {
    await writeFile(file('mine.html'), 'mine')
    const argv = ['report', '--snapshot', binarySpikeFile, '-o', file('mine.html')]
    const refused = await runCli(argv)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('--force')
    expect(await readFile(file('mine.html'), 'utf8')).toBe('mine')
    expect(await runCli([...argv, '--force'])).toMatchObject({ code: 0 })
    expect(await readFile(file('mine.html'), 'utf8')).toContain('</html>')
  })

  it('writes to a pipe, and not to a terminal', async () => {
    const argv = ['report', '--snapshot', binarySpikeFile]
    const piped = await runCli(argv)
    expect(piped).toMatchObject({ code: 0, stderr: '' })
    expect(piped.stdout).toMatch(/^<!doctype html>.*<\/html>\n$/s)
    const refused = await runCli(argv, { columns: 80 })
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('-o report.html')
  })

  it('is of a live node, with the command that makes it again and no cookie', async () => {
    await using node = await startReplayNode({ snapshotFile: binarySpikeFile })
    const env = { BEAMSCOPE_COOKIE: node.cookie }
    const { code, stdout } = await runCli(
      ['report', node.name, '--epmd-port', `${node.epmdPort}`],
      { env },
    )
    expect(code).toBe(0)
    expect(stdout).not.toContain(node.cookie)
    expect(parseMarkup(stdout).text).toContain(
      `beamscope report ${node.name} --epmd-port ${node.epmdPort} -o report.html`,
    )
  })

  it('draws what was held over time, of a recording and of a node with one', async () => {
    const { raw } = await readSnapshotFile(binarySpikeFile)
    const recording = await openRecording(file('hour.recording'))
    for (let minute = 0; minute < 60; minute++) {
      const takenAt = new Date(Date.UTC(2026, 0, 31, 12, minute)).toISOString()
      await recording.append({ ...raw, node: 'shop@127.0.0.1', takenAt })
    }
    await recording.close()
    const ofFile = await runCli(['report', '--snapshot', file('hour.recording'), '--at', '12:30'])
    expect(ofFile).toMatchObject({ code: 0, stderr: '' })
    const { text } = parseMarkup(ofFile.stdout)
    expect(text).toContain('31 moments, from 2026-01-31 12:00:00 to 2026-01-31 12:30:00')

    await using node = await startReplayNode({ snapshotFile: binarySpikeFile })
    const argv = ['report', node.name, '--epmd-port', `${node.epmdPort}`]
    const earlier = ['--earlier', file('hour.recording'), '--memory-limit', '1GiB']
    const ofNode = await runCli([...argv, ...earlier], { env: { BEAMSCOPE_COOKIE: node.cookie } })
    expect(ofNode).toMatchObject({ code: 0, stderr: '' })
    const page = parseMarkup(ofNode.stdout).text
    expect(page).toMatch(/6\d moments, from 2026-01-31 12:00:00/)
    expect(page).toContain(
      `beamscope report ${node.name} --epmd-port ${node.epmdPort} --earlier ${file('hour.recording')} ` +
        '--memory-limit 1073741824 -o report.html',
    )
  })

  it.each([
    [['a@h', 'b@h'], 'one node'],
    [['--deep', '--snapshot', binarySpikeFile], '--deep needs a NODE'],
    [['--carriers', '--snapshot', binarySpikeFile], '--carriers needs a NODE'],
    [['--memory-limit', '1GiB', '--snapshot', binarySpikeFile], 'goes with a recording'],
    [[], 'a NODE is missing'],
  ])('refuses %j, and says what to do', async (argv, words) => {
    const { code, stdout, stderr } = await runCli(['report', ...argv])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr).toMatch(/hint:/)
  })
})
