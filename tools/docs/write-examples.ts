import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commentsAsMarkdown } from './comments.ts'
import { type Example, examplesOf } from './examples.ts'
import { type ExampleModule, exampleModule } from './example-module.ts'
import { fencesOf } from './fences.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** All pages for users: the README, in `docs/`, and of packages and examples, as paths below the root. */
export async function pages(): Promise<string[]> {
  const docs = (await readdir(join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  const others = await Promise.all(
    ['packages', 'examples'].map(async (place) => (await readdir(join(root, place))).map((name) => `${place}/${name}/README.md`)),
  )
  const readmes = others.flat().filter((page) => existsSync(join(root, page)))
  return ['README.md', ...docs.sort(), ...readmes.sort()]
}

/** The examples of all pages, and of the comments in the sources of packages. */
export async function examplesOfPages(): Promise<Example[]> {
  const examples: Example[] = []
  for (const page of [...(await pages()), ...(await sources())]) {
    const text = await readFile(join(root, page), 'utf8')
    examples.push(...examplesOf(fencesOf(page, page.endsWith('.ts') ? commentsAsMarkdown(text) : text)))
  }
  return examples
}

async function sources(): Promise<string[]> {
  const files: string[] = []
  for (const name of await readdir(join(root, 'packages'))) {
    const source = `packages/${name}/src`
    for (const file of await readdir(join(root, source), { recursive: true })) if (file.endsWith('.ts')) files.push(`${source}/${file}`)
  }
  return files.sort()
}

/**
 * Writes examples as modules into a folder of their own, which the caller removes. It is below `tests/`, whose packages are those that
 * an example may import; its name begins with a dot, so that no glob of the repository finds it.
 */
export async function writeExamples(examples: readonly Example[]): Promise<{ folder: string; modules: ExampleModule[] }> {
  const modules: ExampleModule[] = []
  for (const [i, example] of examples.entries()) modules.push(exampleModule(example, `example-${i}.ts`, await preambleOf(example)))
  const folder = await mkdtemp(join(root, 'tests', '.docs-'))
  await writeFile(join(folder, '.gitignore'), '*\n')
  await writeFile(join(folder, 'vitest.config.ts'), VITEST_CONFIG)
  for (const { file, source } of modules) await writeFile(join(folder, file), source)
  return { folder, modules }
}

async function preambleOf({ preamble, page }: Example): Promise<string | undefined> {
  if (preamble === undefined) return undefined
  try {
    return await readFile(join(root, 'tools/docs/preambles', `${preamble}.txt`), 'utf8')
  } catch (cause) {
    throw new Error(`${page} asks for the preamble '${preamble}', and there is no such file in tools/docs/preambles.`, { cause })
  }
}

const VITEST_CONFIG = `const conditions = ['@millrace/source', 'node', 'import', 'module', 'default']
export default { resolve: { conditions }, ssr: { resolve: { conditions } }, test: { include: ['example-*.ts'], pool: 'forks' } }
`
