/** A dense real matrix, row-major. */
export interface DenseMatrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float32Array | Float64Array
}

/** Consecutive rows of A. */
export interface RowBlock {
  /** Number of the first row within A, a multiple of the core's `rowsPerBlock`. */
  readonly first: number
  /** At most `rowsPerBlock`. */
  readonly rows: number
  /** Shape: [row, inner]. Read until the product is there. */
  readonly values: Float32Array | Float64Array
}

export interface BlockReading {
  /** Readings above the range of their converter, which count as its top code. */
  readonly overRange: number
}

/** B as the weights of a core. Disposing gives its memory back, once no block is under way. */
export interface ProgrammedFactor extends AsyncDisposable {
  readonly tiles: number
  /** Memory for the product of a block, `rowsPerBlock` rows, that the core fills without copying. At most `blocksAtOnce`. */
  room(): Float64Array
  /**
   * Rows of A times B, into `out` [row, column]. At most `blocksAtOnce` of them at a time.
   *
   * A row's result depends on its number, B and the seed, never on who computed it or on which rows came with it.
   * Throws: the signal's reason.
   */
  multiplyBlock(block: RowBlock, out: Float32Array | Float64Array, signal: AbortSignal): Promise<BlockReading>
}

/** What the bench of a core draws, from what it is made of. */
export interface ModelledBench {
  readonly lightW: number
  readonly laserWallEfficiency: number
  readonly heatersW: number
  /** Mains power beside lasers and heaters. */
  readonly restW: number
  readonly modulators: number
  readonly photodiodes: number
  readonly symbolPeriodS: number
  /** Of each row through each tile. */
  readonly symbolsPerRow: number
  /** Rows that pass at once. */
  readonly lanes: number
  /** Of each tile, until its heaters stand. */
  readonly settleS: number
}

/**
 * A core that takes B as a whole and multiplies whole blocks of rows, for jobs too large for frames.
 *
 * It computes; no instrument is set, and none is asked. One factor at a time is programmed.
 */
export interface ProductCore extends AsyncDisposable {
  readonly kind: 'mesh' | 'awgr'
  /** Who computes, in words. */
  readonly engine: string
  readonly shape: { readonly outputs: number; readonly inputs: number }
  readonly rowsPerBlock: number
  readonly blocksAtOnce: number
  /** In what it is better than the bench, in words. */
  readonly idealised: readonly string[]
  readonly modelled: ModelledBench
  /**
   * May go on making weights while the first blocks are multiplied; B must not change meanwhile.
   *
   * Throws: RANGE_EXCEEDED when B or a block of A does not fit the memory.
   */
  program(b: DenseMatrix, signal: AbortSignal): Promise<ProgrammedFactor>
}
