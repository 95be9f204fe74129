import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeListError } from '../../src/cluster/discovery-errors.ts'
import { MAX_NODE_LIST_SIZE, parseNodeList, readNodeList } from '../../src/cluster/node-list.ts'
import { InvalidNodeNameError } from '../../src/dist/node-name.ts'
import { failure } from './failure.ts'

function parseFailure(text: string): unknown {
  try {
    parseNodeList(text, 'nodes.txt')
  } catch (error) {
    return error
  }
  throw new Error('it is a list')
}

describe('a list of nodes', () => {
  it.each([
    ['', []],
    ['\n\n', []],
    ['a@h', ['a@h']],
    ['a@h\nb@h\n', ['a@h', 'b@h']],
    ['a@h\r\nb@h\r\n', ['a@h', 'b@h']],
    ['# all\n\n  a@h\t\n#b@h\n \r\nc@h', ['a@h', 'c@h']],
    ['\ufeffa@h\n', ['a@h']],
    ['a@h\na@h\n', ['a@h', 'a@h']],
    ['a@h#1\n', ['a@h#1']],
    ['a@::1\n', ['a@::1']],
  ])('%j has %j', (text, names) => {
    expect(parseNodeList(text, 'nodes.txt')).toEqual(names)
  })

  it('says in which line something else stands', () => {
    const error = parseFailure('# nodes\r\na@h\r\nrabbit\r\n')
    expect(error).toBeInstanceOf(NodeListError)
    expect(error).toMatchObject({
      code: 'ERR_CLUSTER_NODE_LIST',
      source: 'nodes.txt',
      line: 3,
      message: 'nodes.txt:3: "rabbit" is no node name: the host is missing',
      cause: expect.any(InvalidNodeNameError),
    })
  })

  it('shows nothing of a file that begins otherwise, which may be one of secrets', () => {
    const error = parseFailure('# ours\nSECRET\n')
    expect(error).toMatchObject({ line: 2, message: 'nodes.txt:2: it is no node name' })
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('SECRET')
  })

  it.each([
    ['a@h b@h'],
    ['a@h,b@h'],
    ['a@h # the first'],
    ['a@h\rb@h'],
    ['a@h\0'],
    ['\u202ea@h'],
    [`${'a'.repeat(255)}@h`],
  ])('rejects %j', (text) => {
    // A comma may be in a host, an @ may not.
    expect(parseFailure(text)).toMatchObject({ code: 'ERR_CLUSTER_NODE_LIST', line: 1 })
  })

  it('keeps the names of any list, however it is written', () => {
    const name = fc.stringMatching(/^[0-9A-Za-z_-]{1,9}@[0-9a-z.-]{1,9}$/)
    const rest = fc.constantFrom('\n', '\r\n', '\n\n', ' \n\t', '\n# and\n', '\n#\r\n')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, rest)), (lines) => {
        const text = lines.flat().join('')
        expect(parseNodeList(text, 'nodes.txt')).toEqual(lines.map(([it]) => it))
      }),
    )
  })

  it('takes any text for a list or for none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          for (const it of parseNodeList(text, 'nodes.txt')) expect(it).toContain('@')
        } catch (error) {
          expect(error).toBeInstanceOf(NodeListError)
        }
      }),
    )
  })

  it('has up to 100,000 names', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `n${i}@h`)
    expect(parseNodeList(names.join('\n'), 'nodes.txt')).toEqual(names)
    expect(parseFailure([...names, 'more@h'].join('\n'))).toMatchObject({
      code: 'ERR_CLUSTER_NODE_LIST',
      line: 100_001,
      message: expect.stringContaining('more than 100000 names'),
    })
  })

  it('has a size to stay within', () => {
    expect(parseNodeList('\n'.repeat(MAX_NODE_LIST_SIZE / 8), 'nodes.txt')).toEqual([])
    expect(parseFailure('\n'.repeat(MAX_NODE_LIST_SIZE + 1))).toMatchObject({
      code: 'ERR_CLUSTER_NODE_LIST',
      line: undefined,
      message: `nodes.txt: it has more than ${MAX_NODE_LIST_SIZE} bytes`,
    })
  })
})

describe('a file with a list of nodes', () => {
  let folder = ''
  const write = async (content: string | Uint8Array): Promise<string> => {
    const file = join(folder, 'nodes.txt')
    await writeFile(file, content)
    return file
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'beamscope-'))
  })

  afterAll(async () => {
    await rm(folder, { recursive: true })
  })

  it('is read', async () => {
    expect(await readNodeList(await write('a@h\r\nb@b\u00e4r\r\n'))).toEqual(['a@h', 'b@b\u00e4r'])
    expect(await readNodeList(await write(''))).toEqual([])
  })

  it('is named by what is wrong with it', async () => {
    const file = await write('a@h\nb\n')
    expect(await failure(readNodeList(file))).toMatchObject({ source: file, line: 2 })
  })

  it('has to be there', async () => {
    const file = join(folder, 'nowhere')
    expect(await failure(readNodeList(file))).toMatchObject({
      code: 'ERR_CLUSTER_NODE_LIST',
      source: file,
      message: expect.stringContaining('cannot be read: ENOENT'),
    })
    expect(await failure(readNodeList(folder))).toMatchObject({
      message: expect.stringContaining('cannot be read: EISDIR'),
    })
  })

  it('has to be text in UTF-8', async () => {
    const file = await write(Buffer.from('a@b\u00e4r', 'latin1'))
    expect(await failure(readNodeList(file))).toMatchObject({
      code: 'ERR_CLUSTER_NODE_LIST',
      message: `${file}: it is no text in UTF-8`,
    })
  })

  it('is not read further than it may be long', async () => {
    const file = await write(Buffer.alloc(MAX_NODE_LIST_SIZE + 1, '\n'))
    expect(await failure(readNodeList(file))).toMatchObject({
      code: 'ERR_CLUSTER_NODE_LIST',
      message: `${file}: it has more than ${MAX_NODE_LIST_SIZE} bytes`,
    })
  })

  it('is not read when that is called off', async () => {
    const file = await write('a@h\n')
    const reason = new Error('enough')
    expect(await failure(readNodeList(file, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  })
})
