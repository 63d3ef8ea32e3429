import type { RandomStream } from '../core/random.ts'
import { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import type { ConvolutionOptions } from '../orchestrator/jobs/convolution.ts'

/** A convolution as `productJob` takes it. */
export interface RandomConvolution {
  readonly image: DenseArray
  readonly kernels: DenseArray
  readonly options: Omit<ConvolutionOptions, 'circulant'>
}

/** Waves of a picture, and longest of them by pixels. */
const WAVES = 4
const MOST_RAD_PER_PIXEL = 0.4

/** Sizes at random; half of them smooth pictures under kernels that see nothing of an even one, as edges have it. */
export function randomConvolution(random: RandomStream): RandomConvolution {
  const size = (min: number, max: number): number => min + Math.floor(random.uniform(0, max - min + 1))
  const imageShape = [size(1, 3), size(6, 20), size(8, 40)] as const
  const kernelShape = [size(1, 3), imageShape[0], size(1, 5), size(1, 7)] as const
  const isSmooth = random.uniform() < 0.5
  const image = new DenseArray(
    'image',
    imageShape,
    false,
    isSmooth ? smooth(imageShape, random) : even(imageShape, random),
  )
  const weights = Float64Array.from({ length: kernelShape.reduce((a, b) => a * b) }, () => random.normal())
  if (isSmooth) takeMeans(weights, kernelShape[2] * kernelShape[3])
  return { image, kernels: new DenseArray('kernels', kernelShape, false, weights), options: { stride: 1, padding: 0 } }
}

const even = (shape: readonly [number, number, number], random: RandomStream): Float64Array =>
  Float64Array.from({ length: shape[0] * shape[1] * shape[2] }, () => random.uniform())

function smooth([channels, height, width]: readonly [number, number, number], random: RandomStream): Float64Array {
  const channel = (): number[] => {
    const waves = Array.from({ length: WAVES }, () => ({
      height: random.normal() / 2,
      perRow: random.uniform(0, MOST_RAD_PER_PIXEL),
      perColumn: random.uniform(0, MOST_RAD_PER_PIXEL),
      rad: random.uniform(0, 2 * Math.PI),
    }))
    return Array.from({ length: height * width }, (_, at) => {
      const [y, x] = [Math.floor(at / width), at % width]
      return waves.reduce((sum, w) => sum + w.height * Math.sin(w.perRow * y + w.perColumn * x + w.rad), 2)
    })
  }
  return Float64Array.from(Array.from({ length: channels }, channel).flat())
}

/** Off each kernel; one of a single tap stays as it is. */
function takeMeans(weights: Float64Array, taps: number): void {
  if (taps === 1) return
  for (let first = 0; first < weights.length; first += taps) {
    const kernel = weights.subarray(first, first + taps)
    const mean = kernel.reduce((sum, weight) => sum + weight, 0) / taps
    for (let i = 0; i < taps; i++) kernel[i]! -= mean
  }
}
