/** Weights that fit the core. */
export interface Tile {
  /** Two tiles with one id hold the same weights. */
  readonly id: number
  /** Shape [outputs, inputs], row-major, any finite values. */
  readonly weights: Float64Array
}

/** A burst of symbols through one tile, uploaded, triggered and captured at once. */
export interface Frame {
  readonly tile: Tile
  /** One array a lane, shape [symbol, input], row-major, each value in −1…1. All lanes have as many symbols. */
  readonly lanes: readonly Float64Array[]
  /** So many symbols at the start of every lane are known inputs, by which the core may watch itself. */
  readonly probes?: number
  /** Step of the plan that this frame belongs to, for the journal; the caller's own step when left out. */
  readonly step?: number
}

export interface FrameResult {
  readonly frame: Frame
  /** One array a lane, shape [symbol, output], row-major: weights times inputs, in the weights' own scale. */
  readonly lanes: readonly Float64Array[]
  /** Why there are no products: a detector saw more than its range. Less light may fit. */
  readonly overRange?: Error
}

/** What products were off by when the core was verified, taken apart: a job's error is predicted from it. */
export interface KnownErrors {
  /** RMS over weights beyond what the fitted core is known to make, relative to the RMS of the weights. */
  readonly weights: number
  /** RMS over products of what is left when weights and codes are known, mW of signal. */
  readonly readingMw: number
  /** RMS of what comes with either sign of the inputs alike, relative to the RMS of the squared signal, 1/mW. */
  readonly evenPerMw: number
}

/** What a calibrated core knows of its own errors, without asking the bench. */
export interface CoreKnowledge {
  /** `given`: tiles must keep the form in which they were asked for, up to one factor. */
  readonly weights: 'any' | 'given'
  /** Whether all products of one output in one frame are off by one reading of silence. */
  readonly readsSilence: boolean
  /** Undefined when its calibration is from before they were measured. */
  readonly errors: KnownErrors | undefined
  /** Inputs of one lane as the modulators' codes will bring them. Shapes: [symbol, input]. */
  played(lane: number, inputs: Float64Array): Float64Array
  /** Shape: [output, input]: what the optics, as far as they are known, make of a tile's weights. */
  made(tile: Tile): Float64Array
  /** Shape: [output]: signal of a product of 1 with this tile, mW, mean over the lanes. Cheap, and a little rough. */
  signalMw(weights: Float64Array): Float64Array
  /** Settling of heaters, when a frame brings another tile, and its symbols. */
  frameSeconds(symbols: number, isOtherTile: boolean): number
}

/** Something that a core found to have changed since its calibration. */
export interface FollowedQuantity {
  readonly quantity: string
  readonly unit: string
  readonly value: number
}

/**
 * The optics that multiply, seen from a job.
 *
 * `stream` is pull-based: it takes the next frame when it has room for it, and overlaps the programming and
 * upload of one frame with the read-out of the one before. Results come in the order of the frames.
 */
export interface OpticalCore<Calibration = unknown> {
  readonly shape: { readonly outputs: number; readonly inputs: number }
  readonly lanes: number
  readonly maxSymbolsPerFrame: number
  /** Undefined: the core knows nothing of its errors. */
  readonly knowledge?: CoreKnowledge | undefined
  /** Sets the optics to this tile. `stream` does it by itself whenever a frame brings another tile. */
  program(tile: Tile, signal: AbortSignal): Promise<void>
  stream(frames: AsyncIterable<Frame>, signal: AbortSignal): AsyncIterable<FrameResult>
  /** Measures what has drifted since the calibration and takes it into account from now on. Undefined: the core cannot. */
  follow?(signal: AbortSignal): Promise<readonly FollowedQuantity[]>
  /** For the jobs that come: the calibration as drift has left it; undefined where it is as it was given. */
  readonly followed?: Calibration | undefined
  /** Dark and cold, verified. */
  safe(signal: AbortSignal): Promise<void>
}
