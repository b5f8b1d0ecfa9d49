import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript-api'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A public name without a TSDoc comment: `file:line  Name.member`. */
export type Undocumented = string

/** The source files behind the `exports` of every package. */
export async function entryPoints(): Promise<string[]> {
  const files: string[] = []
  for (const name of (await readdir(join(root, 'packages'))).sort()) {
    const folder = join(root, 'packages', name)
    const { exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { exports: Record<string, ExportTarget> }
    for (const target of Object.values(exports)) if (target !== null) files.push(join(folder, target['@millrace/source']))
  }
  return files
}

type ExportTarget = { readonly '@millrace/source': string } | null

/**
 * Every public export that has no TSDoc comment, and of the members of public types those whose name can't say everything: what is called
 * (it can fail), what is optional (it has a default), and numbers (they have a unit, unless the name or its kind gives it). A comment that
 * is inherited counts; what is marked `@internal` is not public.
 */
export function undocumented(files: readonly string[]): Undocumented[] {
  const program = ts.createProgram({
    rootNames: [...files],
    options: {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      strict: true,
      exactOptionalPropertyTypes: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      types: ['node'],
      customConditions: ['@millrace/source'],
    },
  })
  const look = new Look(program.getTypeChecker())
  for (const file of files) look.at(program.getSourceFile(file))
  return [...look.missing].sort()
}

// Places, counts of what the name counts: nothing that a unit would add to.
const PLAIN_NUMBERS =
  /^(length|take|offset|partition|partitions|size|index|records|batches|attempt|generation)$|(Ms|Bytes|Records|Partitions)$/

class Look {
  readonly missing = new Set<Undocumented>()
  readonly #seen = new Set<ts.Symbol>()
  readonly #checker: ts.TypeChecker

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker
  }

  at(source: ts.SourceFile | undefined): void {
    const module = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source)
    if (source === undefined || module === undefined) throw new Error('An entry point of a package is not a module, or is not there.')
    for (const name of this.#checker.getExportsOfModule(module)) this.#export(this.#resolved(name))
  }

  #resolved(symbol: ts.Symbol): ts.Symbol {
    return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : this.#checker.getAliasedSymbol(symbol)
  }

  #export(symbol: ts.Symbol): void {
    if (this.#seen.has(symbol) || !isOurs(symbol)) return
    this.#seen.add(symbol)
    if (!this.#documented(symbol)) this.#miss(symbol, symbol.name)
    for (const declaration of symbol.declarations ?? []) {
      if (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) this.#members(symbol, declaration.members)
      if (ts.isTypeAliasDeclaration(declaration)) this.#type(symbol, declaration.type)
      if (ts.isVariableDeclaration(declaration)) this.#properties(symbol, declaration)
    }
  }

  #type(owner: ts.Symbol, type: ts.TypeNode): void {
    if (ts.isTypeLiteralNode(type)) this.#members(owner, type.members)
    else if (ts.isUnionTypeNode(type) || ts.isIntersectionTypeNode(type)) for (const one of type.types) this.#type(owner, one)
  }

  #members(owner: ts.Symbol, members: readonly (ts.TypeElement | ts.ClassElement)[]): void {
    for (const member of members) {
      const symbol = member.name === undefined ? undefined : this.#checker.getSymbolAtLocation(member.name)
      if (symbol === undefined || isHidden(member)) continue
      if (this.#saysTooLittle(symbol, member) && !this.#documented(symbol)) this.#miss(symbol, `${owner.name}.${symbol.name}`)
    }
  }

  /** What a constant such as `serdes` holds. */
  #properties(owner: ts.Symbol, declaration: ts.VariableDeclaration): void {
    const type = this.#checker.getTypeOfSymbol(owner)
    if (declaration.type !== undefined || type.getCallSignatures().length > 0) return
    for (const property of type.getProperties()) {
      // Of a frozen object the properties are mapped ones, which have no value of their own.
      const value = property.valueDeclaration ?? property.declarations?.[0]
      if (value === undefined || !isOurs(property)) continue
      const meant = ts.isShorthandPropertyAssignment(value) ? this.#checker.getShorthandAssignmentValueSymbol(value) : property
      const documented = this.#documented(property) || (meant !== undefined && this.#documented(this.#resolved(meant)))
      if (!documented) this.#miss(property, `${owner.name}.${property.name}`)
    }
  }

  #saysTooLittle(symbol: ts.Symbol, member: ts.TypeElement | ts.ClassElement): boolean {
    const type = this.#checker.getTypeOfSymbol(symbol)
    if (ts.isMethodDeclaration(member) || ts.isMethodSignature(member) || type.getCallSignatures().length > 0) return true
    if ((symbol.flags & ts.SymbolFlags.Optional) !== 0) return true
    return (type.flags & ts.TypeFlags.NumberLike) !== 0 && !PLAIN_NUMBERS.test(symbol.name)
  }

  #documented(symbol: ts.Symbol): boolean {
    return symbol.getDocumentationComment(this.#checker).length > 0
  }

  #miss(symbol: ts.Symbol, name: string): void {
    const [declaration] = symbol.declarations ?? []
    if (declaration === undefined) throw new Error(`${name} is declared nowhere.`)
    const source = declaration.getSourceFile()
    const { line } = source.getLineAndCharacterOfPosition(declaration.getStart())
    this.missing.add(`${relative(root, source.fileName)}:${line + 1}  ${name}`)
  }
}

function isOurs(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).some((declaration) => !declaration.getSourceFile().fileName.includes('/node_modules/'))
}

/** Private, `#private`, `@internal`, or a well-known symbol such as that of disposal, which the language explains. */
function isHidden(member: ts.TypeElement | ts.ClassElement): boolean {
  const flags = ts.getCombinedModifierFlags(member)
  return (
    (flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0 ||
    member.name === undefined ||
    ts.isPrivateIdentifier(member.name) ||
    ts.isComputedPropertyName(member.name) ||
    ts.getJSDocTags(member).some((tag) => tag.tagName.text === 'internal')
  )
}
