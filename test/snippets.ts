/**
 * The TypeScript of the documents, written to files of its own, so that it can be checked and run: what a
 * reader copies is what is tested.
 */
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTemporaryFolder } from '../src/testing/temporary-folder.ts'

export const projectFolder: string = fileURLToPath(new URL('..', import.meta.url))

export interface Snippet {
  /** `README.md:121`, where its first line stands. */
  readonly place: string
  /** The name that its first line gives it in a comment, `test/cluster.test.ts` for instance. */
  readonly fileName: string | undefined
  readonly code: string
}

/** The document's blocks that begin with ```` ```ts ````, in their order. */
export async function readSnippets(document: string): Promise<Snippet[]> {
  const text = await readFile(join(projectFolder, document), 'utf8')
  return Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ({ index, 1: code = '' }) => {
    const line = text.slice(0, index).split('\n').length + 1
    const [, fileName] = /^\/\/ (\S+\.ts)\n/.exec(code) ?? []
    return { place: `${document}:${line}`, fileName, code }
  })
}

/** The README and what it links to in docs/, relative to the project. */
export async function listDocuments(): Promise<string[]> {
  const names = await readdir(join(projectFolder, 'docs'))
  return ['README.md', ...names.filter((it) => it.endsWith('.md')).map((it) => `docs/${it}`)]
}

export interface WrittenSnippets extends AsyncDisposable {
  readonly folder: string
  /** Of each snippet, in their order. */
  readonly files: readonly string[]
}

/**
 * Writes snippets into a temporary project, which finds the packages that this one finds, and beamscope in
 * `src/`, where `package.json` says that its entry points are built from.
 *
 * @param edit is applied to the code, for what a reader has to fill in
 */
export async function writeSnippets(
  snippets: readonly Snippet[],
  edit: (code: string) => string = (code) => code,
): Promise<WrittenSnippets> {
  const project = await createTemporaryFolder()
  const folder = project.path
  await symlink(join(projectFolder, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
  const options = { extends: join(projectFolder, 'tsconfig.json'), include: ['snippets'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options))
  const entryPoints = await readEntryPoints()
  const files: string[] = []
  for (const { place, fileName, code } of snippets) {
    // So that what the compiler says of the file tells where to look.
    const file = join(folder, 'snippets', place.replace('/', '-'), fileName ?? 'snippet.ts')
    await mkdir(dirname(file), { recursive: true })
    const resolved = edit(code).replace(
      /(?<= from ')beamscope[^']*(?=')/g,
      (it) => entryPoints.get(it) ?? it,
    )
    await writeFile(file, resolved)
    files.push(file)
  }
  return { folder, files, [Symbol.asyncDispose]: () => project[Symbol.asyncDispose]() }
}

/** `beamscope/dist` → `…/src/client.ts`, out of `./dist` → `./lib/client.js`. */
async function readEntryPoints(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(projectFolder, 'package.json'), 'utf8')
  const { exports }: { readonly exports: Record<string, { readonly default?: string }> } =
    JSON.parse(text)
  const entryPoints = new Map<string, string>()
  for (const [entry, { default: built }] of Object.entries(exports)) {
    const [, module] = /^\.\/lib\/(.*)\.js$/.exec(built ?? '') ?? []
    if (module !== undefined) {
      entryPoints.set(`beamscope${entry.slice(1)}`, join(projectFolder, 'src', `${module}.ts`))
    }
  }
  return entryPoints
}
