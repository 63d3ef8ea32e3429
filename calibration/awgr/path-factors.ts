import { awgrWavelength } from '../../core/awgr-layout.ts'

/** What makes the paths of a shared bank alike, as far as factors of outputs and inputs can. */
export interface PathFactors {
  /** [output]: that a product is multiplied with; mean of the logarithms 0. */
  readonly outputs: Float64Array
  /** [input]: share of its light that an input is sent with; the weakest one is 1. */
  readonly inputs: Float64Array
}

const ROUNDS = 50

/** For a bank for each port, whose rings make up for their paths. */
export const evenPaths = (size: number): PathFactors => ({
  outputs: new Float64Array(size).fill(1),
  inputs: new Float64Array(size).fill(1),
})

/**
 * One ring weights a wavelength for all ports, so that what each path loses stays in its weight. Losses of outputs,
 * inputs and wavelengths are fitted to the logarithms of all paths, by turns; rings take the wavelengths' upon them,
 * and what is left belongs to single paths.
 *
 * Shape of `gainsMw`: [output, input].
 */
export function pathFactors(size: number, gainsMw: Float64Array): PathFactors {
  const logs = gainsMw.map(Math.log)
  const [ofOutput, ofInput, ofWavelength] = [0, 1, 2].map(() => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  for (let round = 0; round < ROUNDS; round++) {
    for (const [own, placeOf] of [
      [ofOutput, (output: number) => output],
      [ofInput, (_: number, input: number) => input],
      [ofWavelength, (output: number, input: number) => awgrWavelength(size, input, output)],
    ] as const) {
      const means = new Float64Array(size)
      for (let at = 0; at < logs.length; at++) {
        const [output, input] = [Math.floor(at / size), at % size]
        const fitted = ofOutput[output]! + ofInput[input]! + ofWavelength[awgrWavelength(size, input, output)]!
        means[placeOf(output, input)]! += (logs[at]! - fitted) / size
      }
      for (let i = 0; i < size; i++) own[i]! += means[i]!
    }
  }
  const mean = ofOutput.reduce((sum, log) => sum + log, 0) / size
  const weakest = Math.min(...ofInput)
  return {
    outputs: ofOutput.map((log) => Math.exp(mean - log)),
    inputs: ofInput.map((log) => Math.exp(weakest - log)),
  }
}
