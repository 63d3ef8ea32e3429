import { CONVERTER_PARAMETERS } from './converter-parameters.ts'
import { EAM_PARAMETERS } from './eam-parameters.ts'
import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'
import { SOURCE_PARAMETERS } from './source-parameters.ts'
import { SPAN_PARAMETERS } from './span-parameters.ts'

/** What brings light to a core and takes it away, of either core: lasers, modulators, photodiodes, mains. */
export const LIGHT_PARAMETERS = {
  laserRinDbPerHz: { value: -145, min: -200, max: -80, source: 'production DFB' },
  mzmVpiV: { value: 3.5, min: 0.1, max: 20, source: 'TFLN 3.5–4.5 V, arXiv 1902.09070' },
  mzmVpiSpread: { value: 0.03, min: 0, max: 0.3, source: assumption('σ, relative') },
  mzmExtinctionDb: { value: 25, min: 5, max: 80, source: assumption('between 15 dB (silicon set) and 30 dB (LN)') },
  mzmBiasOffsetV: { value: 0.03, min: 0, max: 2, source: assumption('σ of the bias controller’s locking error') },
  mzmBandwidthMhz: {
    value: 12_500,
    min: 0.001,
    max: 1e6,
    source: 'SimPhony silicon MZM, 12.5–27 GHz; one pole for generator, driver and electrodes',
  },
  mzmChirp: { value: 0, min: -2, max: 2, source: assumption('α near 0: push-pull lithium niobate') },
  driverGain: { value: 8, min: 0.1, max: 100, source: assumption('18 dB amplifier between generator and modulator') },
  responsivitySpread: { value: 0.02, min: 0, max: 0.3, source: assumption('σ, relative, a photodiode') },
  responsivityAPerW: { value: 1, min: 0.01, max: 1.3, source: '0.8–1.1 A/W' },
  darkCurrentNa: { value: 5, min: 0, max: 1e4, source: 'OptiCommPy default' },
  thermalNoisePaPerRtHz: { value: 12.2, min: 0, max: 1e4, source: 'linear TIA, TMTT 2018' },
  receiverBandwidthMhz: {
    value: 10,
    min: 0.00001,
    max: 1e6,
    source: assumption('one pole of the meter’s amplifier, far above what its averaging passes'),
  },
  receiverFullScaleMw: {
    value: 100,
    min: 0.001,
    max: 1e4,
    source: assumption('where the amplifier clips; above 20 mW the meter itself has no valid power'),
  },
  readoutNoiseShare: {
    value: 0,
    min: 0,
    max: 0.5,
    source: assumption('σ of full scale, a reading; the meter’s 12 bits and the noise above are all there is'),
  },
  laserWallEfficiency: { value: 0.2, min: 0.001, max: 1, source: 'SimPhony' },
  instrumentsIdleW: {
    value: 900,
    min: 0,
    max: 1e5,
    source: assumption('rack of four generators, four meters and small instruments'),
  },
  ...SOURCE_PARAMETERS,
  ...EAM_PARAMETERS,
  ...SPAN_PARAMETERS,
  ...CONVERTER_PARAMETERS,
} as const satisfies Parameters

export type LightValues = Values<typeof LIGHT_PARAMETERS>
