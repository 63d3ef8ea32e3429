import { BenchError } from '../../core/errors.ts'
import type { MziPlace } from '../../core/mesh-layout.ts'
import type { KernelEngine } from './kernel-engine.ts'
import type { Kernels } from './kernels.ts'

/** Splitter angles' errors and field loss of one interferometer, docs/physics.md. */
export interface MziDevice {
  readonly alphaRad: number
  readonly betaRad: number
  readonly fieldRatio: number
}

/** Complex amplitudes [mode][stride] of a batch of samples, which are computed in groups of eight. */
export class FieldBatch {
  readonly modes: number
  readonly samples: number
  readonly stride: number
  readonly re: Float32Array
  readonly im: Float32Array

  constructor(kernels: Kernels, modes: number, samples: number) {
    this.modes = modes
    this.samples = samples
    this.stride = (samples + 7) & ~7
    this.re = kernels.memory.float32(modes * this.stride)
    this.im = kernels.memory.float32(modes * this.stride)
  }
}

/** Complex matrix [mode][stride] in float64; `stride` is even. */
export class MeshMatrix {
  readonly size: number
  readonly stride: number
  readonly re: Float64Array
  readonly im: Float64Array

  constructor(kernels: Kernels, size: number) {
    this.size = size
    this.stride = size + (size % 2)
    this.re = kernels.memory.float64(size * this.stride)
    this.im = kernels.memory.float64(size * this.stride)
  }

  setIdentity(): void {
    this.re.fill(0)
    this.im.fill(0)
    for (let i = 0; i < this.size; i++) this.re[i * (this.stride + 1)] = 1
  }
}

/** What a mesh does to fields, as the kernels read it. Shared by threads. */
export interface MeshPass {
  readonly tops: Int32Array
  /** [mzi][re p, im p, cos, sin] */
  readonly rotations: Float32Array
  /** [mode][re, im] */
  readonly screen: Float32Array
  readonly count: number
  readonly modes: number
}

/**
 * A mesh of interferometers: the topology is compiled once, phases are data.
 *
 * Output phases of every interferometer wait at the end of the mesh, so that each costs 18 real operations; powers are
 * the true ones anywhere, phases behind the screen. Phases within ±10⁶ rad.
 */
export class MeshProgram {
  readonly size: number
  readonly #pass: MeshPass
  readonly #engine: KernelEngine
  readonly #devices: Float64Array
  readonly #matrices: Float64Array
  readonly #screen: Float64Array
  readonly #theta: Float64Array
  readonly #phi: Float64Array
  /** Whether the pass is that of the phases: a transfer matrix needs none. */
  #factored = false

  /** `places` in the order of the light. Throws: SHAPE_MISMATCH for places outside the mesh, or devices that are not as many. */
  constructor(kernels: Kernels, size: number, places: readonly MziPlace[], devices: readonly MziDevice[]) {
    const count = places.length
    if (devices.length !== count || places.some(({ top }) => top < 0 || top + 1 >= size)) {
      throw new BenchError(
        'SHAPE_MISMATCH',
        `${count} places and ${devices.length} devices do not make a mesh of ${size} modes`,
      )
    }
    const { memory } = kernels
    this.size = size
    this.#engine = kernels.engine
    this.#devices = memory.float64(4 * count)
    this.#matrices = memory.float64(8 * count)
    this.#screen = memory.float64(2 * size)
    this.#theta = memory.float64(count)
    this.#phi = memory.float64(count)
    const tops = memory.int32(count)
    tops.set(places.map(({ top }) => top))
    this.#pass = { tops, rotations: memory.float32(4 * count), screen: memory.float32(2 * size), count, modes: size }
    for (const [mzi, { alphaRad, betaRad, fieldRatio }] of devices.entries()) {
      const [a, b] = [Math.PI / 4 + alphaRad, Math.PI / 4 + betaRad]
      const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)]
      this.#devices.set(
        [cb * ca, sb * sa, sb * ca, cb * sa].map((product) => fieldRatio * product),
        4 * mzi,
      )
    }
  }

  /** Shapes: [mzi], in the order of the places. */
  setPhases(thetaRad: ArrayLike<number>, phiRad: ArrayLike<number>): void {
    this.#theta.set(thetaRad)
    this.#phi.set(phiRad)
    this.#engine.mziMatrices(this.#theta, this.#phi, this.#devices, this.#pass.count, this.#matrices)
    this.#factored = false
  }

  /** What the mesh does to fields at the phases that were set last. */
  get pass(): MeshPass {
    if (!this.#factored) this.#factorOut()
    return this.#pass
  }

  /** Sends a batch through the mesh, in place. */
  propagate(fields: FieldBatch): void {
    propagateSamples(this.#engine, this.pass, fields, 0, fields.samples)
  }

  /** Lets the light whose rows stand in `matrix` pass this mesh, in place: matrix becomes T · matrix. */
  fold({ re, im, stride, size }: MeshMatrix): void {
    const { tops, count } = this.#pass
    this.#engine.foldColumns(re, im, stride, size, tops, this.#matrices, count)
  }

  #factorOut(): void {
    const { tops, rotations, screen, count } = this.#pass
    for (let mode = 0; mode < this.size; mode++) {
      this.#screen[2 * mode] = 1
      this.#screen[2 * mode + 1] = 0
    }
    this.#engine.factorOut(this.#matrices, tops, count, rotations, this.#screen)
    screen.set(this.#screen)
    this.#factored = true
  }
}

/** Samples `first` to `first + samples` of a batch through a mesh; `first` is a multiple of eight. */
export function propagateSamples(
  engine: KernelEngine,
  { tops, rotations, screen, count, modes }: MeshPass,
  { re, im, stride }: Pick<FieldBatch, 're' | 'im' | 'stride'>,
  first: number,
  samples: number,
): void {
  const [fromRe, fromIm] = [re.subarray(first), im.subarray(first)]
  engine.propagateLossless(fromRe, fromIm, stride, samples, tops, rotations, count)
  engine.applyScreen(fromRe, fromIm, stride, samples, screen, modes)
}
