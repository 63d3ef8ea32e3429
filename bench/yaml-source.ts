import { createHash } from 'node:crypto'
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { Document, Node, Pair, YAMLError } from 'yaml'

export type YamlPath = readonly (string | number)[]

/** Something wrong in a file: where, and what would be right. Lines and columns count from 1. */
export interface Problem {
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
}

/** Plain data, and the places of its values: of a file, or of a part of one. */
export type Placed = Pick<YamlSource, 'data' | 'problem' | 'keyProblem'>

/** Deeper than any bench file; a file that nests without end (an alias inside its own anchor) stops here. */
const MAX_DEPTH = 32

/** One YAML text, its plain data, and the place of every value in it. */
export class YamlSource {
  readonly data: unknown
  /** What is wrong with the YAML itself. */
  readonly problems: readonly Problem[]
  /** False when the text is not YAML at all, so that its data mean nothing. */
  readonly readable: boolean
  readonly #document: Document.Parsed
  readonly #lines = new LineCounter()

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, logLevel: 'error' })
    const broken = this.#document.errors.find(({ code }) => code !== 'DUPLICATE_KEY')
    let readable = broken === undefined
    // A broken text is reported once: what follows its first fault is mostly the parser's confusion.
    const faults = broken === undefined ? [...this.#document.errors, ...this.#document.warnings] : [broken]
    const problems = faults.map((error) => tabProblem(broken, text) ?? this.#syntaxProblem(error))
    let data: unknown
    if (readable) {
      try {
        data = this.#document.toJS()
        canonicalJson(data)
      } catch {
        readable = false
        problems.push({ line: 1, column: 1, path: 'YAML', message: 'aliases nest without end; write the values out' })
      }
    }
    this.problems = problems
    this.readable = readable
    this.data = data
  }

  /** A problem at the value of `path`; at the nearest enclosing key where there is no such value. */
  problem(path: YamlPath, message: string): Problem {
    return { ...this.#place(path, 'value'), path: pathText(path), message }
  }

  /** A problem with the key itself. */
  keyProblem(path: YamlPath, message: string): Problem {
    return { ...this.#place(path, 'key'), path: pathText(path), message }
  }

  #place(path: YamlPath, end: 'key' | 'value'): { line: number; column: number } {
    let node: Node | null = this.#document.contents
    let offset = node?.range?.[0] ?? 0
    for (const [depth, step] of path.entries()) {
      const found: { key?: Node | undefined; value: Node | null } | undefined = this.#child(node, step)
      if (found === undefined) break
      const last = depth === path.length - 1
      const keyOffset = found.key?.range?.[0]
      // A block map's own range begins at its first key, a line further down than its name.
      const atKey = keyOffset !== undefined && (end === 'key' || !last || !hasOwnPlace(found.value))
      offset = (atKey ? keyOffset : found.value?.range?.[0]) ?? keyOffset ?? offset
      node = found.value
    }
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  #child(node: Node | null, step: string | number): { key?: Node | undefined; value: Node | null } | undefined {
    const container = isAlias(node) ? node.resolve(this.#document) : node
    if (isSeq(container)) {
      const item = container.items[Number(step)] as Node | undefined
      return item === undefined ? undefined : { value: item }
    }
    if (!isMap(container)) return undefined
    const pair = (container.items as Pair<Node, Node | null>[]).find(
      ({ key }) => String(isScalar(key) ? key.value : key) === String(step),
    )
    return pair === undefined ? undefined : { key: pair.key, value: pair.value }
  }

  #syntaxProblem({ code, message, pos: [offset] }: YAMLError): Problem {
    const { line, col } = this.#lines.linePos(offset)
    const says = (SYNTAX as Partial<Record<YAMLError['code'], string>>)[code] ?? message
    return { line: Math.max(line, 1), column: Math.max(col, 1), path: 'YAML', message: says }
  }
}

const SYNTAX = {
  DUPLICATE_KEY: 'this key stands twice in one map; keep one of them',
  TAB_AS_INDENT: 'a tab indents this line; YAML is indented with spaces',
  MULTIPLE_DOCS: 'a second document begins here; a bench is one document',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key: value" on one line; put it on its own line or between braces',
  TAG_RESOLVE_FAILED: 'this tag means nothing here; remove it',
} as const satisfies Partial<Record<YAMLError['code'], string>>

/** YAML takes a tab for part of the text before it, and then complains of something else. */
function tabProblem(broken: YAMLError | undefined, text: string): Problem | undefined {
  if (broken === undefined) return undefined
  const line = text.split('\n').findIndex((written) => /^ *\t\s*\S/.test(written)) + 1
  return line === 0 ? undefined : { line, column: 1, path: 'YAML', message: SYNTAX.TAB_AS_INDENT }
}

/** Scalars and `{…}` or `[…]` begin where they are written. */
function hasOwnPlace(node: Node | null): boolean {
  if (node === null) return false
  return isScalar(node) ? node.source !== '' : !(isMap(node) || isSeq(node)) || node.flow === true
}

/** `lanes[0].drive[1]` */
export function pathText(path: YamlPath): string {
  if (path.length === 0) return 'bench file'
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      const key = /^[^\s"]+$/.test(step) ? step : JSON.stringify(step)
      return index === 0 ? key : `.${key}`
    })
    .join('')
}

/** SHA-256 of what a text means: comments, layout, quoting and the order of keys do not count. */
export const meaningHash = (data: unknown): string => createHash('sha256').update(canonicalJson(data)).digest('hex')

/** One text for one meaning: keys sorted, no blanks. */
function canonicalJson(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deep')
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item, depth + 1)}`).join(',')}}`
  }
  // Not a number is not JSON; the schema refuses it by place, so any text will do here.
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : JSON.stringify(value)
}
