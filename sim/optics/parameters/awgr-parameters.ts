import { DRIFT_PARAMETERS } from './drift-parameters.ts'
import { HEATER_PARAMETERS } from './heater-parameters.ts'
import { LIGHT_PARAMETERS } from './light-parameters.ts'
import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/**
 * What may be wrong with the twin of a bench with an AWGR core. Every key may stand under `twin:` in the bench file.
 *
 * Sources: as listed in docs/physics.md.
 */
export const AWGR_PARAMETERS = {
  ringFwhmGhz: { value: 18, min: 0.1, max: 500, source: assumption('0.1–0.2 nm is usual for silicon rings') },
  ringFwhmSpread: { value: 0.05, min: 0, max: 0.5, source: assumption('σ, relative, a ring') },
  ringFreeSpectralRangeThz: {
    value: 2,
    min: 0.01,
    max: 20,
    source: assumption('16 nm; 5–20 nm is usual for silicon rings'),
  },
  ringBlueOffsetGhz: {
    value: 50,
    min: 0,
    max: 10_000,
    source: assumption('cold rings stand between two channels of a 100 GHz grid; heat makes them red'),
  },
  ringOffsetSigmaGhz: { value: 10, min: 0, max: 1000, source: assumption('σ of the resonance after trimming') },
  ringDropLossDb: { value: 0.5, min: 0, max: 20, source: assumption('0.93 dB with rerouting in SimPhony’s set') },
  ringExtinctionDb: { value: 20, min: 3, max: 60, source: assumption('through port on resonance') },
  ringThroughLossDb: { value: 0.02, min: 0, max: 3, source: assumption('passing one ring off resonance') },
  ringTemperatureGhzPerK: {
    value: 9.4,
    min: 0,
    max: 100,
    source: assumption('75 pm/K; 70–80 pm/K is usual for silicon'),
  },
  chipTemperatureErrorK: { value: 0, min: -50, max: 50, source: assumption('calibration and work at one temperature') },
  combLossDb: { value: 4.5, min: 0, max: 40, source: '40-channel AAWG data sheet, typical' },
  combLossSpreadDb: { value: 0.3, min: 0, max: 6, source: assumption('σ a wavelength; the data sheet allows 1.5 dB') },
  splitExcessLossDb: { value: 0.5, min: 0, max: 20, source: assumption('1:N power splitter beyond its 1/N') },
  portLossDb: { value: 5, min: 0, max: 40, source: 'MZM 3–4.5 dB (SimPhony set) and chip coupling' },
  portLossSpreadDb: { value: 0.3, min: 0, max: 6, source: assumption('σ a port') },
  awgrLossDb: { value: 4.5, min: 0, max: 40, source: '40-channel AAWG data sheet, typical' },
  awgrLossSpreadDb: { value: 0.3, min: 0, max: 6, source: assumption('σ a path; the data sheet allows 1.5 dB') },
  awgrPassband3DbGhz: { value: 75, min: 1, max: 10_000, source: '40-channel AAWG data sheet, 0.6 nm' },
  awgrPassbandOrder: {
    value: 2,
    min: 1,
    max: 5,
    source: assumption('flat top: 1 is a Gaussian, which misses the data sheet’s 0.4 nm at 1 dB; 2 gives both widths'),
  },
  awgrCentreErrorGhz: { value: 2, min: 0, max: 1000, source: assumption('σ a path; the data sheet allows ±0.05 nm') },
  awgrAdjacentIsolationDb: { value: 25, min: 3, max: 100, source: '40-channel AAWG data sheet' },
  awgrNonAdjacentIsolationDb: { value: 30, min: 3, max: 100, source: '40-channel AAWG data sheet' },
  outputLossDb: { value: 1, min: 0, max: 40, source: assumption('coupling to a photodiode') },
  outputLossSpreadDb: { value: 0.1, min: 0, max: 6, source: assumption('σ an output and side') },
  ...HEATER_PARAMETERS,
  ...LIGHT_PARAMETERS,
  ...DRIFT_PARAMETERS,
} as const satisfies Parameters

export type AwgrImperfections = Values<typeof AWGR_PARAMETERS>
