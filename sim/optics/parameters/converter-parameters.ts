import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/** Converters beyond their nominal bits (8 of the generators, 12 of the meters), and the balance of a pair of photodiodes. */
export const CONVERTER_PARAMETERS = {
  dacEffectiveBits: { value: 8, min: 1, max: 8, source: assumption('slow signals see all bits of the generator') },
  dacJitterFs: {
    value: 0,
    min: 0,
    max: 1e12,
    source: assumption('σ of each edge; some 100 fs vanish at slow symbols'),
  },
  driverClipV: { value: 1000, min: 0.01, max: 1000, source: assumption('driver amplifier never clips') },
  adcEffectiveBits: {
    value: 12,
    min: 1,
    max: 12,
    source: assumption('slow signals see all bits of the meter; full scale is receiverFullScaleMw'),
  },
  adcJitterFs: {
    value: 0,
    min: 0,
    max: 1e12,
    source: assumption('σ of each point; some 100 fs vanish at slow points'),
  },
  readoutOffsetShare: {
    value: 0,
    min: -0.5,
    max: 0.5,
    source: assumption('mean of the read-out noise, of full scale'),
  },
  pairImbalance: {
    value: 0,
    min: 0,
    max: 0.5,
    source: '10^(−CMRR/20) of a balanced pair beside the diodes’ spread; 0.1 is 20 dB, Thorlabs data sheet',
  },
  photodiodeSaturationMw: {
    value: 0,
    min: 0,
    max: 1e4,
    source: assumption('0: linear; else the power at which half the responsivity is left'),
  },
} as const satisfies Parameters

export type ConverterValues = Values<typeof CONVERTER_PARAMETERS>
