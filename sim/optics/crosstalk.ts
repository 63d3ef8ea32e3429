/** Position on the chip in units of the heater pitch. Whole numbers. */
export interface HeaterPosition {
  readonly x: number
  readonly y: number
}

/** The distance law: share of a heater's phase that is seen one pitch away, and how fast it falls. */
export interface CrosstalkLaw {
  readonly crosstalkNeighbour: number
  readonly crosstalkDecayPitch: number
}

/** Places without heaters, and how much of the warmth of those around they take. */
export interface WarmedPlaces {
  readonly places: readonly HeaterPosition[]
  readonly share: number
}

const NO_PLACES: WarmedPlaces = { places: [], share: 0 }
const NOTHING = new Float64Array()

/**
 * Shares of a heater's phase below this are left out. For the default law that is beyond 14.8 pitches, where all that is
 * left out together stays below 1e-5 of one heater's phase.
 */
const NEGLIGIBLE_SHARE = 1e-8

/**
 * Warmth that spreads over a chip: a heater sees c·e^{−(d−1)/decay} of the phase of one d pitches away.
 *
 * Heaters stand on a grid, so the law is one stencil moved over it: memory grows with the number of heaters, not with
 * its square. No two heaters share a place.
 */
export class Crosstalk {
  readonly law: CrosstalkLaw
  readonly #places: readonly HeaterPosition[]
  readonly #shareAt: (distancePitch: number) => number
  /** [heater] where it stands in the grid, which has an empty border as wide as the stencil. */
  readonly #cells: Int32Array
  readonly #grid: Float64Array
  readonly #stencil: Stencil
  /** [bare waveguide] its place in the grid. */
  readonly #bareCells: Int32Array
  readonly #bareShare: number

  /** `bare`: places within the rectangle of the heaters, none of theirs, and the share of the warmth that they take. */
  constructor(places: readonly HeaterPosition[], law: CrosstalkLaw, bare: WarmedPlaces = NO_PLACES) {
    const { min, max } = extent(places)
    const [width, height] = [max.x - min.x + 1, max.y - min.y + 1]
    const reach = reachPitch(law)
    const cells = Math.floor(reach)
    const border = { x: Math.min(cells, width - 1), y: Math.min(cells, height - 1) }
    const stride = width + 2 * border.x
    this.law = { crosstalkNeighbour: law.crosstalkNeighbour, crosstalkDecayPitch: law.crosstalkDecayPitch }
    this.#places = places
    this.#shareAt = (d) => (d === 0 ? 1 : d > reach ? 0 : shareOf(law, d))
    const cellsOf = (at: readonly HeaterPosition[]): Int32Array =>
      Int32Array.from(at, ({ x, y }) => (y - min.y + border.y) * stride + (x - min.x + border.x))
    this.#cells = cellsOf(places)
    this.#bareCells = cellsOf(bare.places)
    this.#bareShare = bare.share
    this.#grid = new Float64Array(stride * (height + 2 * border.y))
    this.#stencil = stencilOf(border, stride, this.#shareAt)
  }

  /** Share of the aggressor's phase that the victim sees; 1 of its own. */
  share(victim: number, aggressor: number): number {
    const [to, from] = [this.#places[victim]!, this.#places[aggressor]!]
    return this.#shareAt(Math.hypot(to.x - from.x, to.y - from.y))
  }

  /** Phases that heaters see, from those they make. Shapes: [heater]. */
  spread(ownRad: Float64Array): Float64Array {
    return this.#seenAt(this.#cells, ownRad)
  }

  /** Phases that bare waveguides get from what heaters make. Shapes: [heater] in, [bare waveguide] out. */
  spreadToBare(ownRad: Float64Array): Float64Array {
    if (this.#bareCells.length === 0) return NOTHING
    return this.#seenAt(this.#bareCells, ownRad).map((rad) => this.#bareShare * rad)
  }

  #seenAt(cells: Int32Array, ownRad: Float64Array): Float64Array {
    const grid = this.#grid
    const { starts, lengths, weights } = this.#stencil
    for (let heater = 0; heater < ownRad.length; heater++) grid[this.#cells[heater]!] = ownRad[heater]!
    const seenRad = new Float64Array(cells.length)
    for (let victim = 0; victim < cells.length; victim++) {
      const cell = cells[victim]!
      let sum = 0
      for (let row = 0, weight = 0; row < starts.length; row++) {
        const start = cell + starts[row]!
        for (let at = start, end = start + lengths[row]!; at < end; at++, weight++) sum += weights[weight]! * grid[at]!
      }
      seenRad[victim] = sum
    }
    return seenRad
  }
}

/** Rows of the stencil: where each begins in the grid, relative to the victim, and its weights one after the other. */
interface Stencil {
  readonly starts: Int32Array
  readonly lengths: Int32Array
  readonly weights: Float64Array
}

function stencilOf(
  border: { readonly x: number; readonly y: number },
  stride: number,
  shareAt: (distancePitch: number) => number,
): Stencil {
  const [starts, lengths, weights] = [[] as number[], [] as number[], [] as number[]]
  for (let dy = -border.y; dy <= border.y; dy++) {
    let half = border.x
    while (half >= 0 && shareAt(Math.hypot(half, dy)) === 0) half--
    if (half < 0) continue
    starts.push(dy * stride - half)
    lengths.push(2 * half + 1)
    for (let dx = -half; dx <= half; dx++) weights.push(shareAt(Math.hypot(dx, dy)))
  }
  return { starts: Int32Array.from(starts), lengths: Int32Array.from(lengths), weights: Float64Array.from(weights) }
}

const shareOf = ({ crosstalkNeighbour, crosstalkDecayPitch }: CrosstalkLaw, distancePitch: number): number =>
  crosstalkNeighbour * Math.exp(-(distancePitch - 1) / crosstalkDecayPitch)

/** Pitches within which shares count; between heaters of two rows these are no whole numbers. */
function reachPitch({ crosstalkNeighbour, crosstalkDecayPitch }: CrosstalkLaw): number {
  if (crosstalkNeighbour < NEGLIGIBLE_SHARE) return 0
  return 1 + crosstalkDecayPitch * Math.log(crosstalkNeighbour / NEGLIGIBLE_SHARE)
}

function extent(places: readonly HeaterPosition[]): { min: HeaterPosition; max: HeaterPosition } {
  const [min, max] = [
    { x: Infinity, y: Infinity },
    { x: -Infinity, y: -Infinity },
  ]
  for (const { x, y } of places) {
    min.x = Math.min(min.x, x)
    min.y = Math.min(min.y, y)
    max.x = Math.max(max.x, x)
    max.y = Math.max(max.y, y)
  }
  return { min, max }
}
