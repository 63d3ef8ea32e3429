import type { ScpiCall } from './scpi-call.ts'

/** Payload of a block without a length: it ends with the response, on wires that mark that end. */
export interface ScpiIndefiniteBlock {
  readonly indefinite: Uint8Array
}

/** Text, or the payload of a block. Nothing: the question stays unanswered. */
export type ScpiAnswer = string | Uint8Array | ScpiIndefiniteBlock | undefined

/**
 * One line of an instrument's command table.
 *
 * Header: capitals are the short form, brackets are optional, braces give the range of a numeric suffix:
 * `[:SOURce]:VOLTage{4}[:LEVel]`, `:SENSe{0:8}:POWer`. Without braces a suffix is an undefined header.
 */
export interface ScpiRow {
  readonly header: string
  /** Most parameters that the command takes. Default 1. */
  readonly takes?: number
  readonly set?: (call: ScpiCall) => void | Promise<void>
  /** Most parameters that the question takes. Default 0. */
  readonly asks?: number
  readonly query?: (call: ScpiCall) => ScpiAnswer | Promise<ScpiAnswer>
  /** The answer may hold anything up to the end of the response, so nothing can be asked behind it (-440). */
  readonly endsResponse?: boolean
}

export interface ScpiMatch {
  readonly row: ScpiRow
  readonly suffixes: readonly number[]
}

interface SuffixRange {
  /** Which suffix of the row this is. */
  readonly slot: number
  readonly min: number
  readonly max: number
}

interface Leaf {
  readonly row: ScpiRow
  readonly suffixCount: number
  /** [depth] */
  readonly ranges: readonly (SuffixRange | undefined)[]
}

interface Branch {
  readonly children: Map<string, Branch>
  leaf?: Leaf
}

interface HeaderNode {
  readonly long: string
  readonly short: string
  readonly optional: boolean
  readonly range: SuffixRange | undefined
}

const HEADER_NODE = /(\[)?:([A-Za-z][A-Za-z_]*\d*)(?:\{(?:(\d+):)?(\d+)\})?\]?/g
const MOST_REMEMBERED = 4096
const MNEMONIC_TOO_LONG = -112
const LONGEST_MNEMONIC = 12
const UNDEFINED_HEADER = -113
const SUFFIX_OUT_OF_RANGE = -114

/**
 * A command table, compiled once: headers lead through a tree of mnemonics to their row.
 *
 * Headers that were found once are found again by one look-up of their text as it was written.
 */
export class ScpiCommands {
  readonly #root: Branch = { children: new Map() }
  readonly #common = new Map<string, ScpiMatch>()
  readonly #remembered = new Map<string, ScpiMatch>()

  constructor(rows: readonly ScpiRow[]) {
    for (const row of rows) {
      if (row.header.startsWith('*')) this.#common.set(row.header.toUpperCase(), { row, suffixes: [] })
      else this.#insert(row)
    }
  }

  /** `header` from the root, without leading colon or question mark. A number is the error it meets. */
  find(header: string): ScpiMatch | number {
    const known = this.#remembered.get(header)
    if (known !== undefined) return known
    const match = header.startsWith('*')
      ? (this.#common.get(header.toUpperCase()) ?? UNDEFINED_HEADER)
      : this.#walk(header.toUpperCase().split(':'))
    if (typeof match !== 'number' && this.#remembered.size < MOST_REMEMBERED) this.#remembered.set(header, match)
    return match
  }

  #walk(nodes: readonly string[]): ScpiMatch | number {
    let branch = this.#root
    const written: (number | undefined)[] = []
    for (const node of nodes) {
      let suffix: number | undefined
      let next: Branch | undefined = branch.children.get(node)
      if (next === undefined) {
        const digits = /\d+$/.exec(node)?.[0]
        if (digits === undefined) return unknown(node)
        suffix = Number(digits)
        next = branch.children.get(node.slice(0, -digits.length))
      }
      if (next === undefined) return unknown(node)
      branch = next
      written.push(suffix)
    }
    const { leaf } = branch
    if (leaf === undefined) return UNDEFINED_HEADER
    const suffixes = new Array<number>(leaf.suffixCount).fill(1)
    for (const [depth, suffix] of written.entries()) {
      if (suffix === undefined) continue
      const range = leaf.ranges[depth]
      if (range === undefined) return UNDEFINED_HEADER
      if (suffix < range.min || suffix > range.max) return SUFFIX_OUT_OF_RANGE
      suffixes[range.slot] = suffix
    }
    return { row: leaf.row, suffixes }
  }

  #insert(row: ScpiRow): void {
    const nodes: HeaderNode[] = []
    let suffixCount = 0
    for (const [, bracket, mnemonic, min, max] of row.header.matchAll(HEADER_NODE)) {
      const range = max === undefined ? undefined : { slot: suffixCount++, min: Number(min ?? 1), max: Number(max) }
      const short = mnemonic!.replace(/[a-z_]+/g, '')
      nodes.push({ long: mnemonic!.toUpperCase(), short, optional: bracket !== undefined, range })
    }
    if (nodes.length === 0) throw new Error(`${row.header} is no header of a command table`)
    const grow = (branch: Branch, index: number, ranges: readonly (SuffixRange | undefined)[]): void => {
      const node = nodes[index]
      if (node === undefined) {
        if (ranges.length === 0) return
        if (branch.leaf !== undefined && branch.leaf.row !== row) {
          throw new Error(`${row.header} and ${branch.leaf.row.header} are one header`)
        }
        branch.leaf = { row, suffixCount, ranges }
        return
      }
      if (node.optional) grow(branch, index + 1, ranges)
      const child = branch.children.get(node.long) ?? branch.children.get(node.short) ?? { children: new Map() }
      branch.children.set(node.long, child)
      branch.children.set(node.short, child)
      grow(child, index + 1, [...ranges, node.range])
    }
    grow(this.#root, 0, [])
  }
}

const unknown = (node: string): number =>
  node.replace(/\d+$/, '').length > LONGEST_MNEMONIC ? MNEMONIC_TOO_LONG : UNDEFINED_HEADER
