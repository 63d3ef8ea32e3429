/** One parameter of the twin: its default, its limits and where the number comes from. */
interface Parameter {
  readonly value: number
  readonly min: number
  readonly max: number
  readonly source: string
}

const assumption = (why: string): string => `assumption: ${why}`

/**
 * What may be wrong with the twin's chip and its instruments. Every key may stand under `twin:` in the bench file.
 *
 * Sources: [C] public code, [P] paper or data sheet, as listed in docs/physics.md.
 */
export const MESH_PARAMETERS = {
  splitterSigmaRad: {
    value: 0.02,
    min: 0,
    max: 0.3,
    source: 'Hamerly et al. 2022: π/4 plus a Gaussian angle error a splitter',
  },
  heaterPiPowerMw: { value: 21.4, min: 0.1, max: 500, source: 'TiN heater, Micromachines 13, 1509, table' },
  heaterResistanceOhm: {
    value: 1500,
    min: 10,
    max: 1e5,
    source: assumption('puts 2π near 8 V, inside the driver’s 12 V'),
  },
  heaterSpread: { value: 0.05, min: 0, max: 0.3, source: assumption('σ of the heaters’ efficiency, relative') },
  crosstalkNeighbour: {
    value: 0.01,
    min: 0,
    max: 0.2,
    source: 'share of a heater’s phase seen one pitch away; 1.5 % on a 126-shifter chip (Fyrillas 2024)',
  },
  crosstalkDecayPitch: {
    value: 1,
    min: 0.1,
    max: 20,
    source: 'c·exp(−(d−1)/decay), the distance law of the published crosstalk tables',
  },
  heaterTimeConstantUs: { value: 5.6, min: 0.01, max: 1e6, source: 'TiN heater, Micromachines 13, 1509, table' },
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
  laserRinDbPerHz: { value: -145, min: -200, max: -80, source: 'production DFB' },
  mzmVpiV: { value: 3.5, min: 0.1, max: 20, source: 'TFLN 3.5–4.5 V, arXiv 1902.09070' },
  mzmVpiSpread: { value: 0.03, min: 0, max: 0.3, source: assumption('σ, relative') },
  mzmExtinctionDb: { value: 25, min: 5, max: 80, source: assumption('between 15 dB (silicon set) and 30 dB (LN)') },
  mzmBiasOffsetV: { value: 0.03, min: 0, max: 2, source: assumption('σ of the bias controller’s locking error') },
  driverGain: { value: 8, min: 0.1, max: 100, source: assumption('18 dB amplifier between generator and modulator') },
  responsivitySpread: { value: 0.02, min: 0, max: 0.3, source: assumption('σ, relative, a photodiode') },
  responsivityAPerW: { value: 1, min: 0.01, max: 1.3, source: '0.8–1.1 A/W' },
  darkCurrentNa: { value: 5, min: 0, max: 1e4, source: 'OptiCommPy default' },
  thermalNoisePaPerRtHz: { value: 12.2, min: 0, max: 1e4, source: 'linear TIA, TMTT 2018' },
  tapRatio: { value: 0.01, min: 0.0001, max: 0.2, source: assumption('monitor tap') },
  tapGainVPerMw: {
    value: 500,
    min: 0.1,
    max: 1e6,
    source: assumption('photodiode and transimpedance amplifier of a tap'),
  },
  tapGainSpread: { value: 0.05, min: 0, max: 0.5, source: assumption('σ, relative') },
  tapNoiseMv: { value: 0.05, min: 0, max: 100, source: assumption('rms at the analog input') },
  laserWallEfficiency: { value: 0.2, min: 0.001, max: 1, source: 'SimPhony' },
  instrumentsIdleW: {
    value: 900,
    min: 0,
    max: 1e5,
    source: assumption('rack of four generators, four meters and small instruments'),
  },
} as const satisfies Record<string, Parameter>

export type MeshImperfections = Readonly<Record<keyof typeof MESH_PARAMETERS, number>>
