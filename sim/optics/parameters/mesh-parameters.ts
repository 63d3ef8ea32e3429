import { DISPERSION_PARAMETERS } from './dispersion-parameters.ts'
import { DRIFT_PARAMETERS, MESH_DRIFT_PARAMETERS } from './drift-parameters.ts'
import { HEATER_PARAMETERS } from './heater-parameters.ts'
import { LIGHT_PARAMETERS } from './light-parameters.ts'
import { LINK_PARAMETERS } from './link-parameters.ts'
import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/**
 * What may be wrong with the twin of a bench with a mesh core. Every key may stand under `twin:` in the bench file.
 *
 * Sources: as listed in docs/physics.md.
 */
export const MESH_PARAMETERS = {
  splitterSigmaRad: {
    value: 0.02,
    min: 0,
    max: 0.3,
    source: 'Hamerly et al. 2022: π/4 plus a Gaussian angle error a splitter',
  },
  splitterMeanRad: {
    value: 0,
    min: -0.3,
    max: 0.3,
    source: assumption('0: drawn as fabricated; 0.06 is a splitting ratio of 0.56, the chip of Fyrillas 2024'),
  },
  bareCrosstalkShare: {
    value: 0,
    min: 0,
    max: 1,
    source: assumption('0 warms heated waveguides alone, the law that calibration fits; 1 is physics (Quandela 2025)'),
  },
  mziLossDb: { value: 0.1, min: 0, max: 3, source: assumption('two couplers and two heater sections a MZI') },
  mziLossSpreadDb: { value: 0.01, min: 0, max: 1, source: assumption('σ a MZI') },
  inputLossDb: { value: 6, min: 0, max: 40, source: 'MZM 3–4.5 dB (SimPhony set) and chip coupling' },
  inputLossSpreadDb: { value: 0.3, min: 0, max: 6, source: assumption('σ a port and lane') },
  outputLossDb: { value: 2.5, min: 0, max: 40, source: assumption('coupling and demultiplexer') },
  outputLossSpreadDb: { value: 0.2, min: 0, max: 6, source: assumption('σ a port and lane') },
  loLossDb: { value: 5, min: 0, max: 40, source: assumption('local-oscillator path, without its 1:N split') },
  loLossSpreadDb: { value: 0.2, min: 0, max: 6, source: assumption('σ a port and lane') },
  loShare: {
    value: 0.5,
    min: 0.01,
    max: 0.99,
    source: assumption('share of the laser’s light sent to the local oscillator'),
  },
  tapRatio: { value: 0.01, min: 0.0001, max: 0.2, source: assumption('monitor tap') },
  tapGainVPerMw: {
    value: 500,
    min: 0.1,
    max: 1e6,
    source: assumption('photodiode and transimpedance amplifier of a tap'),
  },
  tapGainSpread: { value: 0.05, min: 0, max: 0.5, source: assumption('σ, relative') },
  tapNoiseMv: { value: 0.05, min: 0, max: 100, source: assumption('rms at the analog input') },
  ...HEATER_PARAMETERS,
  ...LIGHT_PARAMETERS,
  ...LINK_PARAMETERS,
  ...DISPERSION_PARAMETERS,
  ...DRIFT_PARAMETERS,
  ...MESH_DRIFT_PARAMETERS,
} as const satisfies Parameters

export type MeshImperfections = Values<typeof MESH_PARAMETERS>
