/** What a capture leaves: complex fields, optical powers, converter codes, or decoded values added to a sum. */
export type CaptureAs = 'fields' | 'powers' | 'codes' | 'sum'

/**
 * One tile of weights, its light and its detectors.
 *
 * Shapes: samples are rows, computed in groups of eight; `stride` and the arrays hold whole groups.
 * Balanced: `panels` [row/8][3][input][8], `tile` [output/4][3][input][4], real part, imaginary part and their sum.
 * Banks: `panels` [row/8][input][8], `tile` [output/2][input][plus, minus, plus, minus].
 */
export interface Capture {
  readonly as: CaptureAs
  readonly panels: Float32Array
  readonly tile: Float32Array
  /** [output] field of the local oscillator, along which the signal's phase is counted. Balanced only. */
  readonly lo: Float32Array
  readonly inputs: number
  readonly outputs: number
  readonly rows: number
  /** [output][plus, minus][8], see `DetectorBank`. */
  readonly detectors: Float32Array
  /** [output][plus, minus] */
  readonly keys: Int32Array
  /** [row] intensity noise of the laser, 1 for none. */
  readonly factors: Float32Array
  /** [row] what a decoded value is multiplied with. */
  readonly scales: Float32Array
  /** [output][re, im][stride], [output][plus, minus][stride] (16-bit integers for codes) or [output][stride]. */
  readonly out: Float32Array | Int16Array
  readonly stride: number
  /** Number of the first row's noise, a multiple of eight. */
  readonly counterLow: number
  readonly counterHigh: number
  /** `captureScratchFloats` to work in, of as many outputs as are captured at once. */
  readonly scratch: Float32Array
}

/** Floats that noise is drawn in: three a pair of 256 samples. */
export const NOISE_FLOATS = 384
/** Rows of which a capture may keep all products before it detects them: they stay in the cache. */
export const CAPTURE_ROWS = 256
/** Floats that stand before the products of a capture: noise, and the powers at two detectors. */
export const CAPTURE_LINES_FLOATS = NOISE_FLOATS + 2 * 256
/** Floats that a capture works in: three products an output and row, outputs in fours. */
export const captureScratchFloats = (outputs: number): number =>
  CAPTURE_LINES_FLOATS + 3 * CAPTURE_ROWS * ((outputs + 3) & ~3)
/** Floats that a plain product works in: a block of C and 64 × 384 of A. */
export const MULTIPLY_SCRATCH_FLOATS = 32 + 64 * 384

/** Numbers in a line of a tile in float64. */
export const tileLine = (size: number): number => (size + 3) & ~3
/** Numbers that `largestSingularValue` works in: two lines, and four vectors of its small matrix. */
export const singularWorkFloats = (size: number): number => 2 * tileLine(size) + 32

/**
 * The kernels as they are written twice, in AssemblyScript (`assembly/`) and in plain JavaScript (`reference/`): the
 * same float32 operations in the same order, so the results agree bit for bit.
 */
export interface KernelEngine {
  /** As all that draw noise, works in `NOISE_FLOATS`. */
  normals(
    out: Float32Array,
    count: number,
    key: number,
    counterLow: number,
    counterHigh: number,
    noise: Float32Array,
  ): void
  intensityFactors(
    out: Float32Array,
    rows: number,
    sigma: number,
    key: number,
    counterLow: number,
    counterHigh: number,
    noise: Float32Array,
  ): void
  /** Returns how many readings were over range. */
  detect(
    powers: Float32Array,
    factors: Float32Array,
    detectors: Float32Array,
    keys: Int32Array,
    out: Float32Array | Int16Array,
    count: number,
    stride: number,
    rows: number,
    counterLow: number,
    counterHigh: number,
    asCodes: 0 | 1,
    noise: Float32Array,
  ): number
  rowScales(
    values: Float32Array,
    stride: number,
    inputs: number,
    rows: number,
    scales: Float32Array,
    inverses: Float32Array,
  ): void
  encode(
    values: Float32Array,
    stride: number,
    inputs: number,
    rows: number,
    inverses: Float32Array,
    modulators: Float32Array,
    codes: Int8Array,
    codeStride: number,
  ): void
  fieldPanels(
    codes: Int8Array,
    codeStride: number,
    inputs: number,
    rows: number,
    fields: Float32Array,
    panels: Float32Array,
  ): void
  powerPanels(
    codes: Int8Array,
    codeStride: number,
    inputs: number,
    rows: number,
    powers: Float32Array,
    panels: Float32Array,
  ): void
  /** Of the first `count` numbers, without sign. */
  largest(from: Float64Array, count: number): number
  /** Lines of `count` numbers without gaps, times `factor`, become float32 lines [line][stride]. */
  scaleLines(from: Float64Array, lines: number, count: number, factor: number, to: Float32Array, stride: number): void
  /**
   * Sums [column][stride], `rows` from the first on, become [row][column] without gaps, in whole fours of rows: sum · scale ·
   * factor. Where `negative` is not 0, what stands so many sums behind is taken off first.
   */
  rowsOfSums(
    sums: Float32Array,
    stride: number,
    columns: number,
    rows: number,
    negative: number,
    scale: number,
    factor: number,
    out: Float64Array,
  ): void
  /**
   * W[output][input] = rows of B [input][stride] times `factor`, and the same turned, [input][output]. Lines of both hold `line`
   * numbers, see `tileLine`; beyond the tile there are zeros.
   */
  cutTile(
    from: Float64Array,
    stride: number,
    inputs: number,
    outputs: number,
    factor: number,
    line: number,
    weights: Float64Array,
    turned: Float64Array,
  ): void
  /** Of a tile as `cutTile` leaves it, from below; works in `singularWorkFloats`. */
  largestSingularValue(
    weights: Float64Array,
    turned: Float64Array,
    line: number,
    size: number,
    work: Float64Array,
  ): number
  /** Real fields [output][input] of weights, without gaps. */
  fieldsOfWeights(weights: Float64Array, line: number, size: number, fieldPerWeight: number, re: Float32Array): void
  /** What the outputs of those fields make of `silent` light; both are [re, im][line]. */
  silentFields(
    turned: Float64Array,
    line: number,
    size: number,
    fieldPerWeight: number,
    silent: Float64Array,
    out: Float64Array,
  ): void
  packTile(re: Float32Array, im: Float32Array, outputs: number, inputs: number, tile: Float32Array): void
  packBanks(plus: Float32Array, minus: Float32Array, outputs: number, inputs: number, tile: Float32Array): void
  packFields(
    re: Float32Array,
    im: Float32Array,
    stride: number,
    inputs: number,
    rows: number,
    panels: Float32Array,
  ): void
  transpose(
    from: Float32Array,
    fromStride: number,
    rows: number,
    columns: number,
    to: Float32Array,
    toStride: number,
  ): void
  /** Lines of `count` values; they may not overlap. */
  copyLines(
    from: Float32Array,
    fromStride: number,
    lines: number,
    count: number,
    to: Float32Array,
    toStride: number,
  ): void
  /** Returns how many readings were over range. */
  captureBalanced(capture: Capture): number
  /** Tiles that lie one behind the other, in the same light and over as many rows: what captures one by one leave. */
  captureNeighbours(captures: readonly Capture[]): number
  captureBanks(capture: Capture): number
  packColumns(b: Float32Array, stride: number, inner: number, columns: number, packed: Float32Array): void
  multiply(
    a: Float32Array,
    aStride: number,
    packed: Float32Array,
    c: Float32Array,
    cStride: number,
    rows: number,
    inner: number,
    columns: number,
    scratch: Float32Array,
  ): void
  mziMatrices(
    theta: Float64Array,
    phi: Float64Array,
    devices: Float64Array,
    count: number,
    matrices: Float64Array,
  ): void
  factorOut(
    matrices: Float64Array,
    tops: Int32Array,
    count: number,
    rotations: Float32Array,
    screen: Float64Array,
  ): void
  propagate(
    re: Float32Array,
    im: Float32Array,
    stride: number,
    samples: number,
    tops: Int32Array,
    matrices: Float32Array,
    count: number,
  ): void
  propagateLossless(
    re: Float32Array,
    im: Float32Array,
    stride: number,
    samples: number,
    tops: Int32Array,
    rotations: Float32Array,
    count: number,
  ): void
  applyScreen(
    re: Float32Array,
    im: Float32Array,
    stride: number,
    samples: number,
    factors: Float32Array,
    modes: number,
  ): void
  foldColumns(
    re: Float64Array,
    im: Float64Array,
    stride: number,
    columns: number,
    tops: Int32Array,
    matrices: Float64Array,
    count: number,
  ): void
}
