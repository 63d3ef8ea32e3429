/** Energy between two times, and how much of that time nobody measured. */
export interface Span {
  readonly joules: number
  readonly modelledNs: number
}

/** Seconds that a meter was silent, and the power that stands for them. */
export interface Gap {
  readonly fromNs: number
  readonly toNs: number
  readonly powerW: number
}

/**
 * How a power goes between two readings: along a line, or `held`, where it is set in steps and each reading stands for
 * the time before it.
 */
export type PowerPath = 'line' | 'held'

interface Reading {
  readonly timeNs: number
  readonly powerW: number
  /** The meter was asked in vain before. */
  readonly afterGap: boolean
}

/**
 * What one meter said over time, and the energy under it: trapezoids between readings.
 *
 * Where the meter was silent stands the mean of what it had said since the last mark, or its last reading; before its
 * first reading and behind its last stand those.
 */
export class PowerSeries {
  readonly path: PowerPath
  readonly #readings: Reading[] = []
  readonly #marksNs: number[] = []
  #silent = false

  constructor(path: PowerPath) {
    this.path = path
  }

  get isEmpty(): boolean {
    return this.#readings.length === 0
  }

  /** Times grow. */
  add(timeNs: number, powerW: number): void {
    this.#readings.push({ timeNs, powerW, afterGap: this.#silent })
    this.#silent = false
  }

  /** Asked in vain. */
  miss(): void {
    this.#silent = true
  }

  /** From now on other loads are on: means begin anew. */
  mark(timeNs: number): void {
    this.#marksNs.push(timeNs)
  }

  between(fromNs: number, toNs: number): Span {
    let [joules, modelledNs] = [0, 0]
    for (const piece of this.#pieces(toNs)) {
      const [from, to] = [Math.max(fromNs, piece.fromNs), Math.min(toNs, piece.toNs)]
      if (!(to > from)) continue
      joules += (powerAt(piece, from) / 2 + powerAt(piece, to) / 2) * ((to - from) / 1e9)
      if (piece.isGap) modelledNs += to - from
    }
    return { joules, modelledNs }
  }

  gaps(fromNs: number, toNs: number): readonly Gap[] {
    const silent = this.#pieces(toNs).filter((piece) => piece.isGap && piece.toNs > fromNs && piece.fromNs < toNs)
    return silent.map((piece) => ({
      fromNs: Math.max(fromNs, piece.fromNs),
      toNs: Math.min(toNs, piece.toNs),
      powerW: piece.fromW,
    }))
  }

  /** Readings from `fromNs` to `toNs`, both included. */
  count(fromNs: number, toNs: number): number {
    return this.#readings.filter(({ timeNs }) => timeNs >= fromNs && timeNs <= toNs).length
  }

  /**
   * Standard error of the mean power between two times that comes from having looked now and then.
   *
   * Along a line: from how far readings lie beside the line between their neighbours; held: from how they scatter. Of
   * fewer readings than that takes: half of what they range over, the reading before included.
   */
  samplingW(fromNs: number, toNs: number): number {
    const inside = [...this.#readings.keys()].filter((i) => this.#readings[i]!.timeNs > fromNs)
    const list = inside.map((i) => this.#readings[i]!).filter(({ timeNs }) => timeNs <= toNs)
    const before = this.#readings.findLast(({ timeNs }) => timeNs <= fromNs)
    const known = before === undefined ? list : [before, ...list]
    if (this.path === 'held' && list.length > 1) {
      return standardDeviation(list.map(({ powerW }) => powerW)) / Math.sqrt(list.length)
    }
    if (this.path === 'line' && known.length > 2) {
      const beside = known.slice(1, -1).map((reading, i) => besideLine(known[i]!, reading, known[i + 2]!))
      return Math.sqrt(mean(beside.map((w) => w * w)) / 1.5 / known.length)
    }
    return rangeOf(known) / 2
  }

  /** Half of what the readings between two times range over. */
  halfRangeW(fromNs: number, toNs: number): number {
    return rangeOf(this.#readings.filter(({ timeNs }) => timeNs >= fromNs && timeNs <= toNs)) / 2
  }

  #pieces(endNs: number): readonly Piece[] {
    const [first] = this.#readings
    const last = this.#readings.at(-1)
    if (first === undefined || last === undefined) return []
    const pieces: Piece[] = [level(-Infinity, first.timeNs, first.powerW, first.afterGap)]
    // Of measured time since the last mark.
    let [joules, seconds, mark] = [0, 0, 0]
    const meanW = ({ timeNs, powerW }: Reading): number => {
      for (; mark < this.#marksNs.length && this.#marksNs[mark]! <= timeNs; mark++) [joules, seconds] = [0, 0]
      return seconds > 0 ? joules / seconds : powerW
    }
    for (let i = 1; i < this.#readings.length; i++) {
      const [from, to] = [this.#readings[i - 1]!, this.#readings[i]!]
      const silentW = meanW(from)
      if (to.afterGap) {
        pieces.push(level(from.timeNs, to.timeNs, silentW, true))
        continue
      }
      const piece = {
        ...{ fromNs: from.timeNs, toNs: to.timeNs, toW: to.powerW, isGap: false },
        fromW: this.path === 'held' ? to.powerW : from.powerW,
      }
      pieces.push(piece)
      joules += ((piece.fromW + piece.toW) / 2) * ((piece.toNs - piece.fromNs) / 1e9)
      seconds += (piece.toNs - piece.fromNs) / 1e9
    }
    if (endNs > last.timeNs) {
      pieces.push(level(last.timeNs, endNs, this.#silent ? meanW(last) : last.powerW, this.#silent))
    }
    return pieces
  }
}

/** A straight piece of the power over time. */
interface Piece {
  readonly fromNs: number
  readonly toNs: number
  readonly fromW: number
  readonly toW: number
  readonly isGap: boolean
}

const level = (fromNs: number, toNs: number, powerW: number, isGap: boolean): Piece => ({
  ...{ fromNs, toNs, isGap },
  fromW: powerW,
  toW: powerW,
})

function powerAt({ fromNs, toNs, fromW, toW }: Piece, timeNs: number): number {
  return fromW === toW ? fromW : fromW + (toW - fromW) * ((timeNs - fromNs) / (toNs - fromNs))
}

function besideLine(before: Reading, at: Reading, after: Reading): number {
  if (after.timeNs === before.timeNs) return at.powerW - before.powerW
  const share = (at.timeNs - before.timeNs) / (after.timeNs - before.timeNs)
  return at.powerW - before.powerW - share * (after.powerW - before.powerW)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function standardDeviation(values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1))
}

function rangeOf(readings: readonly Reading[]): number {
  if (readings.length === 0) return 0
  const powers = readings.map(({ powerW }) => powerW)
  return Math.max(...powers) - Math.min(...powers)
}
