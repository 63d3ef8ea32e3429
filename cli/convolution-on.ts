import type { BenchFile } from '../bench/bench-file.ts'
import type { ConvolutionOptions } from '../orchestrator/jobs/convolution.ts'

/** How a convolution steps over its image. */
export type Strides = Pick<ConvolutionOptions, 'stride' | 'padding'>

/** A core whose ports share one bank of rings convolves by itself; all others multiply patches. */
export function convolutionOn(file: BenchFile, strides: Strides): ConvolutionOptions {
  const isShared = file.kind === 'awgr' && file.wiring.form === 'shared'
  const { stride, padding } = strides
  return { stride, padding, circulant: isShared ? file.wiring.size : null }
}
