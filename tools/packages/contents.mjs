import { posix } from 'node:path'

const sourceCondition = '@millrace/source'
const kept = /^(dist\/.*|src\/.*|broker\/.*|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/
const ofTests = /(^|\/)(test|tests|__tests__)\/|\.(test|spec)\.[cm]?[jt]s/
const built = /^dist\/(?<path>.*?)(?<ending>\.js|\.js\.map|\.d\.ts|\.d\.ts\.map)$/

/**
 * The files of a tarball, by their paths in the package.
 * @typedef {ReadonlyMap<string, string>} Files
 */

/**
 * What is wrong with a packed package, in sentences: what is missing, what does not belong in it, what its users could not resolve.
 * @param {Files} files
 * @param {import('./public-packages.mjs').PublicManifest} workspaceManifest
 * @param {string} licence The text of the repository's licence.
 * @returns {string[]}
 */
export function contentsProblems(files, workspaceManifest, licence) {
  /** @type {import('./public-packages.mjs').PublicManifest} */
  const packed = JSON.parse(files.get('package.json') ?? '{}')
  return [
    ...textProblems(files, licence),
    ...fileProblems(files),
    ...mapProblems(files),
    ...exportProblems(files, packed, workspaceManifest),
    ...versionProblems(packed, workspaceManifest),
  ]
}

/**
 * @param {Files} files
 * @param {string} licence
 */
function textProblems(files, licence) {
  const problems = []
  if (files.get('LICENSE') !== licence) problems.push('LICENSE is missing, or is not that of the repository.')
  if (!/^# .+\n\n\S[^]{40}/.test(files.get('README.md') ?? '')) problems.push('README.md is missing, or says nothing.')
  return problems
}

/** @param {Files} files */
function fileProblems(files) {
  const problems = []
  for (const file of files.keys()) {
    if (!kept.test(file) || ofTests.test(file)) problems.push(`${file} does not belong in the package.`)
    if (!file.startsWith('dist/')) continue
    const { path, ending } = built.exec(file)?.groups ?? {}
    if (path === undefined) problems.push(`${file} is not what the build makes.`)
    else if (!files.has(`src/${path}.ts`) && !files.has(`src/${path}.js`))
      problems.push(`${file} is left over: there is no src/${path}.ts. Delete dist, and build again.`)
    if (ending !== '.js') continue
    for (const beside of ['.js.map', '.d.ts', '.d.ts.map']) {
      if (!files.has(`dist/${path}${beside}`)) problems.push(`${file} comes without dist/${path}${beside}.`)
    }
  }
  for (const file of files.keys()) {
    const path = /^src\/(.*)(?<!\.d)\.[jt]s$/.exec(file)?.[1]
    if (path !== undefined && !files.has(`dist/${path}.js`)) problems.push(`${file} was not built.`)
  }
  return problems
}

/** @param {Files} files */
function mapProblems(files) {
  const problems = []
  for (const [file, text] of files) {
    if (!file.startsWith('dist/') || !file.endsWith('.map')) continue
    /** @type {{ sources: string[], sourceRoot?: string }} */
    const { sources, sourceRoot = '' } = JSON.parse(text)
    for (const source of sources) {
      const path = posix.join(posix.dirname(file), sourceRoot, source)
      if (!files.has(path)) problems.push(`${file} leads to ${path}, which is not in the package.`)
    }
  }
  return problems
}

/**
 * The exports of the workspace without the condition under which its own tests take the sources. Nobody else is to take them: they are
 * TypeScript, and Node runs none below node_modules.
 * @param {Files} files
 * @param {import('./public-packages.mjs').PublicManifest} packed
 * @param {import('./public-packages.mjs').PublicManifest} workspaceManifest
 */
function exportProblems(files, packed, workspaceManifest) {
  const problems = []
  const expected = Object.fromEntries(Object.entries(workspaceManifest.exports).map(([entry, target]) => [entry, withoutSource(target)]))
  if (JSON.stringify(packed.exports) !== JSON.stringify(expected)) {
    problems.push(`"publishConfig.exports" must say the same as "exports", without '${sourceCondition}'.`)
  }
  for (const [entry, target] of Object.entries(packed.exports ?? {})) {
    for (const path of Object.values(target ?? {})) {
      if (!files.has(posix.normalize(path))) problems.push(`"exports" has ${path} for '${entry}', which is not in the package.`)
    }
  }
  return problems
}

/** @param {import('./public-packages.mjs').ExportTarget | null} target */
function withoutSource(target) {
  if (target === null) return null
  return Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== sourceCondition))
}

/**
 * @param {import('./public-packages.mjs').PublicManifest} packed
 * @param {import('./public-packages.mjs').PublicManifest} workspaceManifest
 */
function versionProblems(packed, workspaceManifest) {
  const problems = []
  if (packed.version !== workspaceManifest.version) problems.push(`Its version is ${packed.version}, not ${workspaceManifest.version}.`)
  for (const kind of /** @type {const} */ (['dependencies', 'devDependencies', 'peerDependencies'])) {
    for (const [name, range] of Object.entries(packed[kind] ?? {})) {
      const ours = name === 'millrace' || name.startsWith('@millrace/')
      // All are released together, so that each wants the others in its own version.
      if (ours && range !== packed.version) problems.push(`"${kind}" wants ${name} in '${range}', not in ${packed.version}.`)
      if (!ours && /^[a-z]+:/.test(range)) problems.push(`"${kind}" wants ${name} in '${range}', which no registry knows.`)
    }
  }
  return problems
}
