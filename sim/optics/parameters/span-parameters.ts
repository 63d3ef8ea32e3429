import { assumption } from './parameter.ts'
import type { Parameters, Values } from './parameter.ts'

/** Fibre before and behind the core, and the amplifier in front of each photodiode. Both absent by default. */
export const SPAN_PARAMETERS = {
  modulatorFibreKm: { value: 0, min: 0, max: 1000, source: assumption('modulators beside the core') },
  detectorFibreKm: { value: 0, min: 0, max: 1000, source: assumption('detectors beside the core') },
  fibreLossDbPerKm: { value: 0.2, min: 0, max: 10, source: 'G.652.D at 1550 nm, at most 0.20 dB/km' },
  fibreDispersionPsPerNmKm: { value: 16.7, min: -1000, max: 1000, source: 'GNPy SSMF; G.652.D allows 18' },
  fibreGroupIndex: { value: 1.467, min: 1, max: 4, source: 'G.652.D data sheet at 1550 nm' },
  fibreDelayPpmPerK: { value: 6.7, min: 0, max: 100, source: 'loose-tube cable, Bergman 1983: 33 ps/(km K)' },
  fibreTemperatureErrorK: { value: 0, min: -100, max: 100, source: assumption('fibre at the temperature of its data') },
  meterTriggerDelayUs: { value: 0, min: 0, max: 1e5, source: assumption('no delay generator before the meters') },
  edfaGainDb: { value: 0, min: 0, max: 50, source: assumption('0: no amplifier; GNPy’s library has 8–35 dB') },
  edfaNoiseFigureDb: { value: 5, min: 0, max: 20, source: 'telecom EDFA 4–6 dB, typical in the C band' },
  edfaSaturationDbm: {
    value: 23,
    min: -20,
    max: 40,
    source: 'GNPy std_medium_gain; here the output at which a large gain has fallen by 3 dB',
  },
  edfaOpticalBandwidthGhz: {
    value: 4000,
    min: 1,
    max: 20_000,
    source: assumption('C band, nothing filters behind it'),
  },
} as const satisfies Parameters

export type SpanValues = Values<typeof SPAN_PARAMETERS>
